"use client";

import type { Listener, Topic } from "./stream-hub";
import type { StreamRequest, StreamResponse } from "./stream-worker";

let worker: MessagePort | Worker | undefined;
const listeners = new Map<number, Listener>();
let nextId = 0;

/**
 * Subscribe to a stream after a position. Returns a function that unsubscribes.
 *
 * All tabs and windows of the browser share one connection per stream, because a browser has six
 * connections per host. In a browser without SharedWorker each tab has a worker of its own.
 */
export function subscribe(topic: Topic, position: number, listener: Listener): () => void {
  worker ??= connect();
  const id = nextId++;
  listeners.set(id, listener);
  worker.postMessage({ id, topic, position } satisfies StreamRequest);
  return () => {
    listeners.delete(id);
    worker?.postMessage({ id, position } satisfies StreamRequest);
  };
}

function connect(): MessagePort | Worker {
  const port =
    "SharedWorker" in window
      ? new SharedWorker(new URL("./stream-worker.ts", import.meta.url)).port
      : new Worker(new URL("./stream-worker.ts", import.meta.url));
  port.onmessage = ({ data: { id, message } }: MessageEvent<StreamResponse>) =>
    listeners.get(id)?.(message);
  return port;
}
