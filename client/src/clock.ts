"use client";

import { startTransition, useEffect, useState } from "react";

/**
 * How far the server's clock is ahead of ours, in milliseconds.
 *
 * A moment told by the server is older when it arrives, so each one is a lower bound of the
 * difference, and the largest of them is the best: a page from the cache does not spoil it.
 */
let ahead = Number.NEGATIVE_INFINITY;

function hear(serverNow: number): void {
  ahead = Math.max(ahead, serverNow - Date.now());
}

/** The time by the server's clock, as well as one can know it. */
export function serverTime(): number {
  return Date.now() + (Number.isFinite(ahead) ? ahead : 0);
}

/** The time by the server's clock, told anew every second; at first what it was when it rendered. */
export function useServerTime(renderedAt: number, every = 1000): number {
  const [now, setNow] = useState(renderedAt);
  useEffect(() => {
    hear(renderedAt);
    // The time interrupts nothing that is still starting.
    const tell = () => startTransition(() => setNow(serverTime()));
    tell();
    const timer = setInterval(tell, every);
    return () => clearInterval(timer);
  }, [renderedAt, every]);
  return now;
}
