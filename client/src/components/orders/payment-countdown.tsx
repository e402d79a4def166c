"use client";

import { formatCountdown } from "@/lib/format";

type Props = { startsAt: number; endsAt: number; now: number; label: string };

/** The time left to pay or to confirm, by the server's clock. */
export function PaymentCountdown({ startsAt, endsAt, now, label }: Props) {
  const timeLeft = Math.max(0, endsAt - now);
  return (
    <div className="vstack gap-1">
      <p className="countdown mb-0" role="timer">
        <strong className="fs-4">{formatCountdown(timeLeft)}</strong>{" "}
        <span className="text-body-secondary">{label}</span>
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
