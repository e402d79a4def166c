import { beforeEach, expect, test, vi } from "vitest";
import { FakeEventSource } from "../helpers/fake-event-source";

vi.unmock("@/live/subscribe");

const topic = { path: "/api/tickets/stream", events: ["appeared", "reset"] };

/** A SharedWorker whose script runs in this window, or cannot be loaded. */
class FakeSharedWorker {
  static instances: FakeSharedWorker[] = [];
  static isBroken = false;
  onerror?: () => void;
  readonly port: MessagePort;

  constructor() {
    FakeSharedWorker.instances.push(this);
    const { port1, port2 } = new MessageChannel();
    this.port = port1;
    if (FakeSharedWorker.isBroken) return;
    dispatchEvent(Object.assign(new Event("connect"), { ports: [port2] }));
  }
}

let streams: FakeEventSource[];

beforeEach(() => {
  vi.resetModules();
  FakeSharedWorker.instances = [];
  FakeSharedWorker.isBroken = false;
  streams = FakeEventSource.install();
  vi.stubGlobal("SharedWorker", FakeSharedWorker);
});

test("subscribe shares one stream of the worker among tabs", async () => {
  await import("@/live/stream-worker");
  const received: string[] = [];
  const unsubscribes = [];
  for (let tab = 1; tab <= 7; tab++) {
    vi.resetModules();
    const { subscribe } = await import("@/live/subscribe");
    const listener = ({ name }: { name: string }) => received.push(`${tab} ${name}`);
    unsubscribes.push(subscribe({ topic, position: 7, listener }));
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

test("subscribe opens its own stream if the worker cannot be loaded", async () => {
  FakeSharedWorker.isBroken = true;
  const { subscribe } = await import("@/live/subscribe");
  const listener = vi.fn();
  const unsubscribe = subscribe({ topic, position: 7, listener });
  FakeSharedWorker.instances[0]?.onerror?.();
  await vi.waitFor(() => expect(streams).toHaveLength(1));
  await streams[0]?.send("appeared", {});
  expect(listener).toHaveBeenCalledTimes(1);

  unsubscribe();
  await streams[0]?.send("appeared", {});
  expect(listener).toHaveBeenCalledTimes(1);
});

test("subscribe opens its own stream in a browser without SharedWorker", async () => {
  Reflect.deleteProperty(window, "SharedWorker");
  const { subscribe } = await import("@/live/subscribe");
  const listener = vi.fn();
  subscribe({ topic, position: 7, listener });
  await vi.waitFor(() => expect(streams).toHaveLength(1));
  await streams[0]?.send("appeared", {});
  expect(listener).toHaveBeenCalledTimes(1);
});
