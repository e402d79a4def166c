/**
 * The server's time at the start of the browser's monotonic clock, which nobody can set.
 *
 * A server time is already old when it arrives, so each one is a lower bound. The largest is the
 * best estimate: a page from the cache does not change it.
 */
let origin = Number.NEGATIVE_INFINITY;

/** Record the server's time of a page or a response. Ignores NaN. */
export function recordServerTime(serverNow: number): void {
  if (serverNow) origin = Math.max(origin, serverNow - performance.now());
}

/** Return the server's time in milliseconds, once one is recorded. */
export function serverTime(): number {
  return origin + performance.now();
}
