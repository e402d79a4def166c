import { beforeEach, expect, test, vi } from "vitest";
import { StreamHub, type StreamMessage } from "@/live/stream-hub";
import { FakeEventSource } from "../helpers/fake-event-source";

const ORDERS = { path: "/api/orders/stream", events: ["order", "reset"], userId: "a" };

let hub: StreamHub;
let streams: FakeEventSource[];

beforeEach(() => {
  hub = new StreamHub();
  streams = FakeEventSource.install();
});

function subscribe(position: number, topic = ORDERS) {
  const received: string[] = [];
  const unsubscribe = hub.subscribe(topic, position, (message: StreamMessage) => {
    received.push("position" in message ? `${message.name} ${message.position}` : message.name);
  });
  return { received, unsubscribe };
}

async function send(...positions: number[]): Promise<void> {
  for (const position of positions) await streams.at(-1)?.send("order", {}, position);
}

test("StreamHub opens a stream once for all listeners, from the position of the first", async () => {
  const [first, second] = [subscribe(7), subscribe(8)];
  await send(8, 9);

  expect(streams.map(({ url }) => url)).toEqual(["/api/orders/stream?lastEventId=7"]);
  expect(first.received).toEqual(["order 8", "order 9"]);
  expect(second.received).toEqual(["order 9"]);
});

test("StreamHub sends a later listener what its page lacks, or reset if it lacks more", async () => {
  subscribe(7);
  await send(8, 9, 10);

  const [newer, older] = [subscribe(8), subscribe(5)];
  await send(11);

  expect(newer.received).toEqual(["order 9", "order 10", "order 11"]);
  expect(older.received).toEqual(["reset 10", "order 11"]);
});

test("StreamHub forgets old events, so that a listener behind them gets reset", async () => {
  subscribe(0);
  await send(...Array.from({ length: 257 }, (_, index) => index + 1));

  expect(subscribe(0).received).toEqual(["reset 257"]);
  expect(subscribe(1).received).toHaveLength(256);
});

test("StreamHub passes on the server's reset, also where positions begin again", async () => {
  const { received } = subscribe(5000);
  await streams[0]?.send("reset", {}, 10);
  await send(11);

  expect(received).toEqual(["reset 10", "order 11"]);
});

test("StreamHub shares no personal stream among users", () => {
  subscribe(7);
  subscribe(7, { ...ORDERS, userId: "b" });
  expect(streams).toHaveLength(2);
});

test("StreamHub closes a stream without listeners, unless the next page needs it", async () => {
  vi.useFakeTimers();
  subscribe(7).unsubscribe();
  await vi.advanceTimersByTimeAsync(2000);
  const { unsubscribe } = subscribe(7);
  await vi.advanceTimersByTimeAsync(2000);
  expect(streams.map(({ readyState }) => readyState)).toEqual([1]);

  unsubscribe();
  await vi.advanceTimersByTimeAsync(4000);
  expect(streams.map(({ readyState }) => readyState)).toEqual([2]);
  subscribe(9);
  expect(streams.map(({ url }) => url).at(-1)).toBe("/api/orders/stream?lastEventId=9");
  vi.useRealTimers();
});

test("StreamHub reopens a refused stream where it was, and reports it to all listeners", async () => {
  vi.useFakeTimers();
  const listeners = [subscribe(7), subscribe(7)];
  await send(8);
  streams[0]?.refuse();
  await vi.advanceTimersByTimeAsync(1100);

  expect(listeners.map(({ received }) => received)).toEqual([
    ["order 8", "refused"],
    ["order 8", "refused"],
  ]);
  expect(streams.at(-1)?.url).toBe("/api/orders/stream?lastEventId=8");
  vi.useRealTimers();
});
