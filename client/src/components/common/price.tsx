"use client";

import { createContext, type ReactNode, use } from "react";
import { formatPrice } from "@/lib/format";

const Currency = createContext("usd");

/** Set the currency of all prices inside, as a lower-case ISO code. */
export function CurrencyProvider({
  currency,
  children,
}: {
  currency: string;
  children: ReactNode;
}) {
  return <Currency value={currency}>{children}</Currency>;
}

export function useCurrency(): string {
  return use(Currency);
}

/** A price with its currency. */
export function Price({ amount }: { amount: number }) {
  return formatPrice(amount, useCurrency());
}
