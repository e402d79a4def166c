"use client";

import { loadStripe, type Stripe, type StripeElements } from "@stripe/stripe-js";
import { useEffect, useRef, useState } from "react";
import { useCurrency } from "../money";

/**
 * Stripe's script and its form in the page; neither while they load, and again when told to.
 *
 * With @stripe/react-stripe-js, which does no more for us, the page would be above its limit.
 */
export function usePaymentElement(publishableKey: string, price: number) {
  const currency = useCurrency();
  const room = useRef<HTMLDivElement>(null);
  const [stripe, setStripe] = useState<Stripe | null>(null);
  const [elements, setElements] = useState<StripeElements>();
  const [isLost, setLost] = useState(false);

  useEffect(() => {
    // Asked again after it has failed, Stripe's loader does load anew.
    if (!isLost) loadStripe(publishableKey).then(setStripe, () => setLost(true));
  }, [publishableKey, isLost]);

  useEffect(() => {
    if (!stripe || !room.current) return;
    const dark = window.matchMedia("(prefers-color-scheme: dark)");
    const appearance = () => ({ theme: dark.matches ? "night" : "stripe" }) as const;
    const made = stripe.elements({
      mode: "payment",
      amount: Math.round(price * 100),
      currency,
      paymentMethodCreation: "manual",
      // What payments takes; the form would offer whatever the account has switched on.
      allowedPaymentMethodTypes: ["card"],
      appearance: appearance(),
    });
    const dress = () => made.update({ appearance: appearance() });
    dark.addEventListener("change", dress);
    const form = made.create("payment");
    form.on("loaderror", () => setLost(true));
    form.mount(room.current);
    setElements(made);
    return () => {
      dark.removeEventListener("change", dress);
      form.destroy();
    };
  }, [stripe, price, currency]);

  const retry = () => {
    setStripe(null);
    setLost(false);
  };
  return { room, stripe, elements, isLost, retry };
}
