const PRICE_FORMATS: Record<string, Intl.NumberFormat> = {};

function priceFormat(currency: string): Intl.NumberFormat {
  PRICE_FORMATS[currency] ??= new Intl.NumberFormat("en-US", { style: "currency", currency });
  return PRICE_FORMATS[currency];
}

/** Format a price with its currency: $1,234.50. */
export function formatPrice(price: number, currency: string): string {
  return priceFormat(currency).format(price);
}

/** Return the names of a currency, the longest first: CA$, CAD, $. */
export function currencyNames(currency: string): string[] {
  const names = (["symbol", "narrowSymbol", "code"] as const).map((currencyDisplay) =>
    new Intl.NumberFormat("en-US", { style: "currency", currency, currencyDisplay })
      .formatToParts(0)
      .find(({ type }) => type === "currency"),
  );
  return names.flatMap((name) => name?.value ?? []).sort((one, other) => other.length - one.length);
}

/** Return the symbol of a currency: $, €, CHF. */
export function currencySymbol(currency: string): string | undefined {
  return priceFormat(currency)
    .formatToParts(0)
    .find(({ type }) => type === "currency")?.value;
}

const SECONDS_PER_UNIT: [Intl.RelativeTimeFormatUnit, number][] = [
  ["year", 365 * 86_400],
  ["month", 30 * 86_400],
  ["day", 86_400],
  ["hour", 3600],
  ["minute", 60],
];
const RELATIVE_TIME = new Intl.RelativeTimeFormat("en", { numeric: "auto" });

/** Format the time since `timestamp` in its largest unit: "2 hours ago". */
export function formatTimeAgo(timestamp: number, now: number): string {
  const seconds = (now - timestamp) / 1000;
  const unit = SECONDS_PER_UNIT.find(([, length]) => seconds >= length);
  return unit ? RELATIVE_TIME.format(-Math.floor(seconds / unit[1]), unit[0]) : "just now";
}

/** Format a date: "28 November", with the year if it is not this year. Default: the local zone. */
export function formatDate(time: string, now: number, timeZone?: string): string {
  const date = new Date(time);
  const isThisYear = date.getUTCFullYear() === new Date(now).getUTCFullYear();
  return date.toLocaleDateString("en-GB", {
    day: "numeric",
    month: "long",
    year: isThisYear ? undefined : "numeric",
    timeZone,
  });
}

/** Format a time of day: "10:05", or with a time zone "10:05 UTC". Default: the local zone. */
export function formatTime(time: string, timeZone?: string): string {
  return new Date(time).toLocaleTimeString("en-GB", {
    hour: "2-digit",
    minute: "2-digit",
    timeZone,
    timeZoneName: timeZone ? "short" : undefined,
  });
}

/** Format a date with its year and the time of day: "28 November 2030 at 10:05". */
export function formatDateTime(time: string, timeZone?: string): string {
  return new Date(time).toLocaleString("en-GB", {
    dateStyle: "long",
    timeStyle: timeZone ? "long" : "short",
    timeZone,
  });
}

/** Return the creation time of a document: the first 8 digits of its ObjectId, in seconds. */
export function createdAt(id: string): number {
  return Number.parseInt(id.slice(0, 8), 16) * 1000;
}

/** Format a duration as minutes and seconds: 1:05. */
export function formatCountdown(milliseconds: number): string {
  const seconds = Math.max(0, Math.ceil(milliseconds / 1000));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}
