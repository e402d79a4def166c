"use client";

import type { Listener, Topic } from "./stream-hub";
import type { StreamRequest, StreamResponse } from "./stream-worker";

type Subscription = { topic: Topic; position: number; listener: Listener };
type Subscribe = (subscription: Subscription) => () => void;

let subscribeInBrowser: Subscribe | undefined;

/**
 * Subscribe to a stream after a position.
 *
 * All tabs and windows of the browser share one connection per stream, because a browser has six
 * connections per host. A browser without SharedWorker opens one per tab.
 */
export function subscribe(subscription: Subscription): () => void {
  subscribeInBrowser ??= "SharedWorker" in window ? connectToWorker() : subscribeInTab();
  return subscribeInBrowser(subscription);
}

function subscribeInTab(): Subscribe {
  // Loaded only here, because nearly all browsers have it in the worker.
  const loading = import("./stream-hub").then(({ StreamHub }) => new StreamHub());
  return ({ topic, position, listener }) => {
    let isEnded = false;
    let end = () => {};
    loading.then((hub) => {
      if (!isEnded) end = hub.subscribe(topic, position, listener);
    });
    return () => {
      isEnded = true;
      end();
    };
  };
}

function connectToWorker(): Subscribe {
  const subscriptions = new Map<number, Subscription & { end?: () => void }>();
  const worker = new SharedWorker(new URL("./stream-worker.ts", import.meta.url));
  const post = (request: StreamRequest) => worker.port.postMessage(request);
  let nextId = 0;
  worker.port.onmessage = ({ data: { id, message } }: MessageEvent<StreamResponse>) => {
    const subscription = subscriptions.get(id);
    if (!subscription) return;
    if ("position" in message) subscription.position = message.position;
    subscription.listener(message);
  };
  worker.onerror = () => {
    // The script could not be loaded.
    subscribeInBrowser = subscribeInTab();
    for (const subscription of subscriptions.values()) {
      subscription.end = subscribeInBrowser(subscription);
    }
  };
  return (subscription) => {
    const id = nextId++;
    subscriptions.set(id, { ...subscription });
    post({ id, topic: subscription.topic, position: subscription.position });
    return () => {
      subscriptions.get(id)?.end?.();
      subscriptions.delete(id);
      post({ id, position: 0 });
    };
  };
}
