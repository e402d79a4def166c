"use client";

import { useEffect, useState } from "react";
import { apiFetch } from "@/api/browser";
import { recordServerTime, serverTime } from "@/api/server-clock";

const JUMP_MS = 2000;

const visitorOffset = () => Date.now() - performance.now();
let lastVisitorOffset = visitorOffset();

/**
 * Measure the server's time again if the visitor's clock has jumped.
 *
 * Then somebody has set it, or the computer has slept, which stops the monotonic clock of some
 * browsers.
 */
function checkVisitorClock(): void {
  const offset = visitorOffset();
  if (Math.abs(offset - lastVisitorOffset) > JUMP_MS) {
    void apiFetch("get", "/api/users/currentuser");
  }
  lastVisitorOffset = offset;
}

/**
 * Return the server time. The first value is `renderedAt`; it updates every `intervalMs`.
 *
 * No transition: React holds it back while one with an action is pending.
 */
export function useServerTime(renderedAt: number, intervalMs = 1000): number {
  const [now, setNow] = useState(renderedAt);
  useEffect(() => {
    recordServerTime(renderedAt);
    const update = () => {
      checkVisitorClock();
      setNow(serverTime());
    };
    update();
    const timer = setInterval(update, intervalMs);
    return () => clearInterval(timer);
  }, [renderedAt, intervalMs]);
  return now;
}
