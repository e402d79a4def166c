import ranges from "@/api/generated/price-ranges.json";
import { formatPrice } from "./format";

/** Return which prices can be charged in a currency: "Between $0.50 and $999,999.99". */
export function describePriceRange(currency: string): string | undefined {
  const minimum = (ranges.minimum as Record<string, number>)[currency];
  if (minimum === undefined) return undefined;
  return `Between ${formatPrice(minimum, currency)} and ${formatPrice(ranges.maximum, currency)}`;
}
