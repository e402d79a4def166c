"use client";

import { startTransition, useEffect, useState } from "react";

/**
 * How far the server's clock is ahead of the browser's, in milliseconds.
 *
 * A server time is already old when it arrives, so each one is a lower bound of the offset. The
 * largest is the best estimate: a page from the cache does not change it.
 */
let clockOffset = Number.NEGATIVE_INFINITY;

function updateClockOffset(serverNow: number): void {
  clockOffset = Math.max(clockOffset, serverNow - Date.now());
}

/** Return the estimated server time in milliseconds. */
export function serverTime(): number {
  return Date.now() + (Number.isFinite(clockOffset) ? clockOffset : 0);
}

/** Return the server time. The first value is `renderedAt`; it updates every `intervalMs`. */
export function useServerTime(renderedAt: number, intervalMs = 1000): number {
  const [now, setNow] = useState(renderedAt);
  useEffect(() => {
    updateClockOffset(renderedAt);
    // A transition, because an urgent update would interrupt hydration.
    const update = () => startTransition(() => setNow(serverTime()));
    update();
    const timer = setInterval(update, intervalMs);
    return () => clearInterval(timer);
  }, [renderedAt, intervalMs]);
  return now;
}
