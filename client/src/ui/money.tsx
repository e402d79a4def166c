"use client";

import { createContext, type ReactNode, use } from "react";
import { money } from "@/words";

const Currency = createContext("usd");

/** All that is inside is priced in this currency, by its ISO code in small letters. */
export function PricedIn({ currency, children }: { currency: string; children: ReactNode }) {
  return <Currency value={currency}>{children}</Currency>;
}

export function useCurrency(): string {
  return use(Currency);
}

/** A price as one reads it. */
export function Money({ of }: { of: number }) {
  return money(of, useCurrency());
}
