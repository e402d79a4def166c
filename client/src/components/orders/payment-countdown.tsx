"use client";

import { formatCountdown } from "@/lib/format";

type Props = { startsAt: number; endsAt: number; now: number };

/** The time left to pay, by the server's clock. */
export function PaymentCountdown({ startsAt, endsAt, now }: Props) {
  const timeLeft = Math.max(0, endsAt - now);
  return (
    <div className="vstack gap-1">
      <p className="countdown mb-0" role="timer">
        <strong className="fs-4">{formatCountdown(timeLeft)}</strong>{" "}
        <span className="text-body-secondary">left to pay</span>
      </p>
      <progress
        className="countdown-bar"
        aria-label="Time left"
        max={Math.max(1, endsAt - startsAt)}
        value={timeLeft}
      />
    </div>
  );
}
