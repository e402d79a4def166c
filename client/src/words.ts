const FORMATS: Record<string, Intl.NumberFormat> = {};

function formatIn(currency: string): Intl.NumberFormat {
  FORMATS[currency] ??= new Intl.NumberFormat("en-US", { style: "currency", currency });
  return FORMATS[currency];
}

/** A price as one reads it. */
export function money(price: number, currency: string): string {
  return formatIn(currency).format(price);
}

/** What stands before a price: $, €, CHF. */
export function signOf(currency: string): string | undefined {
  return formatIn(currency)
    .formatToParts(0)
    .find(({ type }) => type === "currency")?.value;
}

const STEPS: [Intl.RelativeTimeFormatUnit, number][] = [
  ["year", 365 * 86_400],
  ["month", 30 * 86_400],
  ["day", 86_400],
  ["hour", 3600],
  ["minute", 60],
];
const AGO = new Intl.RelativeTimeFormat("en", { numeric: "auto" });

/** How long ago a moment was, in round numbers. */
export function ago(moment: number, now: number): string {
  const seconds = (now - moment) / 1000;
  const step = STEPS.find(([, length]) => seconds >= length);
  return step ? AGO.format(-Math.floor(seconds / step[1]), step[0]) : "just now";
}

/** When something was made: an id begins with its second. */
export function madeAt(id: string): number {
  return Number.parseInt(id.slice(0, 8), 16) * 1000;
}

/** A stretch of time as a countdown shows it: 1:05. */
export function countdown(milliseconds: number): string {
  const seconds = Math.max(0, Math.ceil(milliseconds / 1000));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}
