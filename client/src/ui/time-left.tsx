"use client";

import { countdown } from "@/words";

/** How long the ticket is held, by the server's clock. */
export function TimeLeft({ until, since, now }: { until: number; since: number; now: number }) {
  const left = Math.max(0, until - now);
  return (
    <div className="vstack gap-1">
      <p className="countdown mb-0" role="timer">
        <strong className="fs-4">{countdown(left)}</strong>{" "}
        <span className="text-body-secondary">left to pay</span>
      </p>
      <progress
        className="time-left"
        aria-label="Time left"
        max={Math.max(1, until - since)}
        value={left}
      />
    </div>
  );
}
