"use client";

import { Elements, PaymentElement, useElements, useStripe } from "@stripe/react-stripe-js";
import { loadStripe, type Stripe } from "@stripe/stripe-js";
import { useEffect, useState, useSyncExternalStore } from "react";
import type { Failure } from "@/api/answer";
import { Act } from "../act";
import { useCurrency } from "../money";
import type { PayProps } from "./pay";
import { PayForm } from "./pay-form";

/** Stripe's own form, for any card; what is typed into it goes to Stripe alone. */
export default function StripeForm({
  publishableKey,
  ...props
}: PayProps & { publishableKey: string }) {
  const [stripe, setStripe] = useState<Stripe | null>(null);
  const [isLost, setLost] = useState(false);
  const currency = useCurrency();
  const isDark = useSyncExternalStore(
    whenColoursChange,
    () => colours().matches,
    () => false,
  );

  useEffect(() => {
    // Asked again after it has failed, Stripe's loader does load anew.
    if (!isLost) loadStripe(publishableKey).then(setStripe, () => setLost(true));
  }, [publishableKey, isLost]);

  if (isLost) {
    return (
      <div className="alert alert-danger mb-0 vstack gap-3" role="alert">
        Stripe's form could not be loaded. Your connection, or something that blocks other sites'
        scripts, may be in its way.
        <Act look="outline-danger" busy={false} ready onClick={() => setLost(false)}>
          Load it again
        </Act>
      </div>
    );
  }
  return (
    <Elements
      stripe={stripe}
      options={{
        mode: "payment",
        amount: Math.round(props.order.ticket.price * 100),
        currency,
        paymentMethodCreation: "manual",
        // What payments takes; the form would offer whatever the account has switched on.
        allowedPaymentMethodTypes: ["card"],
        appearance: { theme: isDark ? "night" : "stripe" },
      }}
    >
      <CardForm {...props} lost={() => setLost(true)} />
    </Elements>
  );
}

function CardForm({ lost, ...props }: PayProps & { lost: () => void }) {
  const stripe = useStripe();
  const elements = useElements();

  async function token(): Promise<string | Failure> {
    if (!stripe || !elements) return LOADING;
    const { error: incomplete } = await elements.submit();
    if (incomplete) return failure(incomplete.message);
    const { error, paymentMethod } = await stripe.createPaymentMethod({ elements });
    return error ? failure(error.message) : paymentMethod.id;
  }

  async function confirm(clientSecret: string): Promise<Failure | undefined> {
    if (!stripe) return LOADING;
    const { error } = await stripe.handleNextAction({ clientSecret });
    return error ? failure(error.message) : undefined;
  }

  return (
    <PayForm {...props} token={token} confirm={confirm}>
      <div className="stripe-room">
        <PaymentElement onLoadError={lost} />
      </div>
    </PayForm>
  );
}

function failure(message = "Your card could not be used."): Failure {
  return { ok: false, status: 402, errors: [{ message }] };
}

const LOADING = failure("Stripe is still loading. Try again in a moment.");

const colours = () => window.matchMedia("(prefers-color-scheme: dark)");

function whenColoursChange(tell: () => void): () => void {
  const asked = colours();
  asked.addEventListener("change", tell);
  return () => asked.removeEventListener("change", tell);
}
