import { expect, test, vi } from "vitest";
import { SharedCache } from "../../../server/shared-cache.mjs";

/** A cache of numbered values with a clock that the test sets. */
function numberedCache({ maxEntries = 10, isShareable = (_: string): boolean => true } = {}) {
  const clock = { now: 0 };
  let count = 0;
  const load = vi.fn(async (key: string) => `${key}${++count}`);
  const cache = new SharedCache({
    load,
    isShareable,
    maxAgeMs: 1000,
    maxEntries,
    now: () => clock.now,
  });
  return { cache, clock, load };
}

test("SharedCache loads a value once for concurrent and later requests of one second", async () => {
  const { cache, clock, load } = numberedCache();
  expect(await Promise.all([cache.get("a"), cache.get("a")])).toEqual(["a1", "a1"]);
  clock.now = 999;
  expect(await cache.get("a")).toBe("a1");
  expect(load).toHaveBeenCalledTimes(1);
});

test("SharedCache loads a value again a second after it began to load", async () => {
  const { cache, clock, load } = numberedCache();
  load.mockImplementationOnce(async () => {
    clock.now = 900;
    return "slow";
  });
  expect(await cache.get("a")).toBe("slow");
  clock.now = 1000;
  expect(await cache.get("a")).toBe("a1");
});

test("SharedCache starts a new load while one from more than a second ago goes on", async () => {
  const { cache, clock, load } = numberedCache();
  let finish = (_: string) => {};
  load.mockImplementationOnce(() => new Promise((resolve) => (finish = resolve)));
  const first = cache.get("a");
  clock.now = 1000;
  expect(await cache.get("a")).toBe("a1");
  finish("late");
  expect(await first).toBe("late");
  expect(await cache.get("a")).toBe("a1");
});

test("SharedCache does not keep failures", async () => {
  const { cache, load } = numberedCache();
  load.mockRejectedValueOnce(new Error("unavailable"));
  const results = await Promise.allSettled([cache.get("a"), cache.get("a")]);
  expect(results.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  expect(await cache.get("a")).toBe("a1");
});

test("SharedCache gives a value that is not shareable to the waiting requests only", async () => {
  const { cache } = numberedCache({ isShareable: (value) => value !== "a1" });
  expect(await Promise.all([cache.get("a"), cache.get("a")])).toEqual(["a1", "a1"]);
  expect(await cache.get("a")).toBe("a2");
  expect(await cache.get("a")).toBe("a2");
});

test("SharedCache keeps at most maxEntries values, without the oldest", async () => {
  const { cache } = numberedCache({ maxEntries: 2 });
  for (const key of ["a", "b", "c"]) await cache.get(key);
  expect(cache.size).toBe(2);
  expect(await cache.get("c")).toBe("c3");
  expect(await cache.get("a")).toBe("a4");
});
