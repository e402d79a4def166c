/** A worker that holds the streams of all tabs and windows of the browser, or of one tab. */
import { StreamHub, type StreamMessage, type Topic } from "./stream-hub";

/** From a page to the worker. Without a topic it ends the subscription. */
export type StreamRequest = { id: number; topic?: Topic; position: number };
/** From the worker to a page. */
export type StreamResponse = { id: number; message: StreamMessage };

const hub = new StreamHub();

/** Handle the requests of one page. */
function serve(page: MessagePort): void {
  const subscriptions = new Map<number, () => void>();
  page.onmessage = ({ data: { id, topic, position } }: MessageEvent<StreamRequest>) => {
    subscriptions.get(id)?.();
    subscriptions.delete(id);
    if (!topic) return;
    const send = (message: StreamMessage) =>
      page.postMessage({ id, message } satisfies StreamResponse);
    subscriptions.set(id, hub.subscribe(topic, position, send));
  };
  // A tab that crashes does not unsubscribe.
  page.addEventListener("close", () => {
    for (const unsubscribe of subscriptions.values()) unsubscribe();
  });
}

if ("onconnect" in self) {
  addEventListener("connect", (event) => serve((event as MessageEvent).ports[0] as MessagePort));
} else {
  serve(self as unknown as MessagePort);
}
