import { openEventStream } from "@/api/browser";
import { buildUrl } from "@/api/url";

/** A stream of server-sent events. */
export type Topic = {
  path: string;
  /** The names of its events. */
  events: string[];
  /** The owner of a personal stream. Pages of different sessions share none. */
  userId?: string;
};

export type StreamMessage =
  | { name: string; data: string; position: number }
  /**
   * The server refused the stream, without a reason: load the data another way. The stream is
   * retried with a backoff; `isRetry` is true from the second time on.
   */
  | { name: "refused"; isRetry: boolean };

export type Listener = (message: StreamMessage) => void;

const MIN_RETRY_MS = 1000;
const MAX_RETRY_MS = 30_000;
/** How long a stream without listeners stays open: the next page may need it. */
const LINGER_MS = 3000;
/** How many events are kept for listeners whose page is older than the stream. */
const MAX_HISTORY = 256;

/** Opens each stream once, for all of its listeners. */
export class StreamHub {
  private readonly streams = new Map<string, SharedStream>();

  /**
   * Send the events after a position to a listener, or `reset` if they are lost.
   *
   * Returns a function that unsubscribes.
   */
  subscribe(topic: Topic, position: number, listener: Listener): () => void {
    const key = `${topic.path} ${topic.userId}`;
    let stream = this.streams.get(key);
    if (!stream) {
      stream = new SharedStream(topic, position, () => this.streams.delete(key));
      this.streams.set(key, stream);
    }
    return stream.add(position, listener);
  }
}

class SharedStream {
  /** The position of each listener: it has all events up to there. */
  private readonly listeners = new Map<Listener, number>();
  /** The events from `start` to `position`. */
  private history: { name: string; data: string; position: number }[] = [];
  private position: number;
  private source: ReturnType<typeof openEventStream>;
  private retryMs = MIN_RETRY_MS;
  private retryTimer?: ReturnType<typeof setTimeout>;
  private closeTimer?: ReturnType<typeof setTimeout>;

  constructor(
    private readonly topic: Topic,
    private start: number,
    private readonly onClose: () => void,
  ) {
    this.position = start;
    this.source = this.open();
  }

  add(position: number, listener: Listener): () => void {
    clearTimeout(this.closeTimer);
    if (position >= this.start) {
      this.listeners.set(listener, position);
      for (const event of this.history) this.send(event, listener);
    } else {
      this.listeners.set(listener, this.position);
      listener({ name: "reset", data: "{}", position: this.position });
    }
    return () => {
      this.listeners.delete(listener);
      clearTimeout(this.closeTimer);
      if (!this.listeners.size) this.closeTimer = setTimeout(() => this.close(), LINGER_MS);
    };
  }

  private open() {
    const lastEventId = this.position < 0 ? undefined : this.position;
    const source = openEventStream(buildUrl(this.topic.path, { query: { lastEventId } }));
    source.onopen = () => {
      this.retryMs = MIN_RETRY_MS;
    };
    source.onerror = () => {
      // The browser reconnects by itself, except after a response that is not a stream.
      if (source.readyState === source.CLOSED) this.retry();
    };
    for (const name of this.topic.events) {
      source.addEventListener(name, ({ data, lastEventId }) =>
        this.receive({ name, data, position: Number(lastEventId) }),
      );
    }
    return source;
  }

  private retry(): void {
    const isRetry = this.retryMs > MIN_RETRY_MS;
    this.retryTimer = setTimeout(() => {
      for (const listener of this.listeners.keys()) listener({ name: "refused", isRetry });
      this.source = this.open();
    }, this.retryMs);
    this.retryMs = Math.min(2 * this.retryMs, MAX_RETRY_MS);
  }

  private close(): void {
    clearTimeout(this.retryTimer);
    this.source.close();
    this.onClose();
  }

  private receive(event: (typeof this.history)[number]): void {
    this.position = event.position;
    if (event.name === "reset") {
      this.history = [];
      this.start = event.position;
      // Also for listeners that seem to be ahead: positions begin again with a new event store.
      for (const listener of this.listeners.keys()) this.listeners.set(listener, -1);
    } else if (this.history.push(event) > MAX_HISTORY) {
      this.start = this.history.shift()?.position ?? this.start;
    }
    for (const listener of this.listeners.keys()) this.send(event, listener);
  }

  private send(event: (typeof this.history)[number], listener: Listener): void {
    // A page can be newer than the stream.
    if (event.position <= (this.listeners.get(listener) ?? -1)) return;
    this.listeners.set(listener, event.position);
    listener(event);
  }
}
