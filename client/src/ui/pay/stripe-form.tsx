"use client";

import { Elements, PaymentElement, useElements, useStripe } from "@stripe/react-stripe-js";
import { loadStripe, type Stripe } from "@stripe/stripe-js";
import { useState, useSyncExternalStore } from "react";
import type { Failure } from "@/api/answer";
import type { PayProps } from "./pay";
import { PayForm } from "./pay-form";

const DARK = "(prefers-color-scheme: dark)";

/** Stripe's own form, for any card; what is typed into it goes to Stripe alone. */
export default function StripeForm({
  publishableKey,
  ...props
}: PayProps & { publishableKey: string }) {
  const [stripe] = useState(() => loadStripe(publishableKey));
  const isDark = useSyncExternalStore(
    (tell) => {
      const query = window.matchMedia(DARK);
      query.addEventListener("change", tell);
      return () => query.removeEventListener("change", tell);
    },
    () => window.matchMedia(DARK).matches,
    () => false,
  );
  return (
    <Elements
      stripe={stripe}
      options={{
        mode: "payment",
        amount: Math.round(props.order.ticket.price * 100),
        currency: "usd",
        paymentMethodCreation: "manual",
        // What payments takes; the form would offer whatever the account has switched on.
        allowedPaymentMethodTypes: ["card"],
        appearance: { theme: isDark ? "night" : "stripe" },
      }}
    >
      <CardForm {...props} />
    </Elements>
  );
}

function CardForm(props: PayProps) {
  const stripe = useStripe();
  const elements = useElements();

  async function token(): Promise<string | Failure> {
    if (!stripe || !elements) return failure("Stripe is still loading. Try again in a moment.");
    const { error: incomplete } = await elements.submit();
    if (incomplete) return failure(incomplete.message);
    const { error, paymentMethod } = await stripe.createPaymentMethod({ elements });
    return error ? failure(error.message) : paymentMethod.id;
  }

  return (
    <PayForm {...props} token={token} confirm={(clientSecret) => confirm(stripe, clientSecret)}>
      <div className="stripe-room">
        <PaymentElement />
      </div>
    </PayForm>
  );
}

async function confirm(stripe: Stripe | null, clientSecret: string): Promise<Failure | undefined> {
  const result = await stripe?.handleNextAction({ clientSecret });
  return result?.error ? failure(result.error.message) : undefined;
}

function failure(message = "Your card could not be used."): Failure {
  return { ok: false, status: 402, errors: [{ message }] };
}
