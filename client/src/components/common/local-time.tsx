"use client";

import { useHydrated } from "@/hooks/use-hydrated";
import { formatDate, formatTime } from "@/lib/format";

type Props = { at: string; now: number; show: "date" | "time" };

/** A date or a time of day, in the time zone of the reader. Until the page is hydrated: in UTC. */
export function LocalTime({ at, now, show }: Props) {
  const timeZone = useHydrated() ? undefined : "UTC";
  return (
    <time dateTime={at}>
      {show === "date" ? formatDate(at, now, timeZone) : formatTime(at, timeZone)}
    </time>
  );
}
