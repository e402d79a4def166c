import { beforeEach, expect, test, vi } from "vitest";
import { FakeEventSource } from "../helpers/fake-event-source";

vi.unmock("@/live/subscribe");

const topic = { path: "/api/tickets/stream", events: ["appeared", "reset"] };

/** A SharedWorker whose script runs in this window. */
class FakeSharedWorker {
  readonly port: MessagePort;

  constructor() {
    const { port1, port2 } = new MessageChannel();
    this.port = port1;
    dispatchEvent(Object.assign(new Event("connect"), { ports: [port2] }));
  }
}

/** A worker of one tab whose script runs in this window. */
class FakeWorker {
  onmessage?: (event: object) => void;

  constructor() {
    vi.stubGlobal("postMessage", (data: unknown) => this.onmessage?.({ data }));
  }

  postMessage(data: unknown): void {
    window.onmessage?.({ data } as MessageEvent);
  }
}

let streams: FakeEventSource[];

beforeEach(() => {
  vi.resetModules();
  streams = FakeEventSource.install();
});

test("subscribe shares one stream of the worker among tabs", async () => {
  vi.stubGlobal("onconnect", null);
  vi.stubGlobal("SharedWorker", FakeSharedWorker);
  await import("@/live/stream-worker");
  const received: string[] = [];
  const unsubscribes = [];
  for (let tab = 1; tab <= 7; tab++) {
    vi.resetModules();
    const { subscribe } = await import("@/live/subscribe");
    unsubscribes.push(subscribe(topic, 7, ({ name }) => received.push(`${tab} ${name}`)));
  }
  await vi.waitFor(() => expect(streams).toHaveLength(1));
  unsubscribes[0]?.();

  await vi.waitFor(async () => {
    received.length = 0;
    await streams[0]?.send("appeared", {});
    await vi.waitFor(() => expect(received.length).toBeGreaterThan(5));
    expect(received).toEqual([2, 3, 4, 5, 6, 7].map((tab) => `${tab} appeared`));
  });
  expect(streams).toHaveLength(1);
});

test("subscribe has a worker of its own in a browser without SharedWorker", async () => {
  vi.stubGlobal("Worker", FakeWorker);
  await import("@/live/stream-worker");
  const { subscribe } = await import("@/live/subscribe");
  const listener = vi.fn();
  const unsubscribe = subscribe(topic, 7, listener);
  await streams[0]?.send("appeared", {});
  expect(listener).toHaveBeenCalledTimes(1);

  unsubscribe();
  await streams[0]?.send("appeared", {});
  expect(listener).toHaveBeenCalledTimes(1);
});
