"use client";

import type { Stripe } from "@stripe/stripe-js";
import type { Failure } from "@/api/answer";
import { Act } from "../act";
import type { PayProps } from "./pay";
import { PayForm } from "./pay-form";
import { usePaymentElement } from "./use-payment-element";

/** Stripe's own form, for any card; what is typed into it goes to Stripe alone. */
export default function StripeForm({
  publishableKey,
  ...props
}: PayProps & { publishableKey: string }) {
  const { room, stripe, elements, isLost, retry } = usePaymentElement(
    publishableKey,
    props.order.ticket.price,
  );

  async function token(): Promise<string | Failure> {
    if (!stripe || !elements) return LOADING;
    const { error: incomplete } = await elements.submit();
    if (incomplete) return failure(incomplete.message);
    const { error, paymentMethod } = await stripe.createPaymentMethod({ elements });
    return error ? failure(error.message) : paymentMethod.id;
  }

  if (isLost) {
    return (
      <div className="alert alert-danger mb-0 vstack gap-3" role="alert">
        Stripe's form could not be loaded. Your connection, or something that blocks other sites'
        scripts, may be in its way.
        <Act look="outline-danger" busy={false} ready onClick={retry}>
          Load it again
        </Act>
      </div>
    );
  }
  return (
    <PayForm {...props} token={token} confirm={(clientSecret) => confirm(stripe, clientSecret)}>
      <div className="stripe-room" ref={room} />
    </PayForm>
  );
}

async function confirm(stripe: Stripe | null, clientSecret: string): Promise<Failure | undefined> {
  if (!stripe) return LOADING;
  const { error } = await stripe.handleNextAction({ clientSecret });
  return error ? failure(error.message) : undefined;
}

function failure(message = "Your card could not be used."): Failure {
  return { ok: false, status: 402, errors: [{ message }] };
}

const LOADING = failure("Stripe is still loading. Try again in a moment.");
