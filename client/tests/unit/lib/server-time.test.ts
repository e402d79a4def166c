import { act, renderHook } from "@testing-library/react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { jsonResponse, mockFetch } from "../helpers/mock-fetch";

const SERVER_NOW = Date.parse("2040-01-01T12:00:00Z");

beforeEach(() => {
  vi.resetModules();
  vi.useFakeTimers();
});
afterEach(() => void vi.useRealTimers());

const wait = (ms: number) => act(() => vi.advanceTimersByTimeAsync(ms));

test("useServerTime follows the server when the visitor's clock is set, and measures again", async () => {
  const fetch = mockFetch(
    jsonResponse(200, { currentUser: null }, { date: "Sun, 01 Jan 2040 12:00:30 GMT" }),
  );
  vi.setSystemTime(SERVER_NOW + 7_200_000);
  const { useServerTime } = await import("@/lib/server-time");
  const { result } = renderHook(() => useServerTime(SERVER_NOW));
  const seconds = () => Math.round((result.current - SERVER_NOW) / 1000);
  await wait(3000);
  expect(seconds()).toBe(3);
  expect(fetch).not.toHaveBeenCalled();

  vi.setSystemTime(SERVER_NOW);
  await wait(1000);
  expect(seconds()).toBe(4);
  expect(fetch).toHaveBeenCalledTimes(1);
  // The response shows that the computer has slept, too.
  await wait(2000);
  expect(seconds()).toBe(32);
  expect(fetch).toHaveBeenCalledTimes(1);
});
