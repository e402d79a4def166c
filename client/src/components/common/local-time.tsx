"use client";

import { useHydrated } from "@/hooks/use-hydrated";
import { formatDate, formatDateTime, formatTime } from "@/lib/format";

const FORMATS = {
  date: formatDate,
  time: (at: string, _: number, timeZone?: string) => formatTime(at, timeZone),
  "date and time": (at: string, _: number, timeZone?: string) => formatDateTime(at, timeZone),
};

type Props = { at: string; now: number; show: keyof typeof FORMATS };

/** A date or a time of day, in the time zone of the reader. Until the page is hydrated: in UTC. */
export function LocalTime({ at, now, show }: Props) {
  const timeZone = useHydrated() ? undefined : "UTC";
  return <time dateTime={at}>{FORMATS[show](at, now, timeZone)}</time>;
}
