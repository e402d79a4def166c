"use client";

import { loadStripe, type Stripe, type StripeElements } from "@stripe/stripe-js";
import { useEffect, useEffectEvent, useRef, useState } from "react";
import { type ApiFailure, localFailure } from "@/api/errors";
import { ActionButton } from "@/components/common/action-button";
import { useCurrency } from "@/components/common/price";
import { PaymentForm } from "./payment-form";
import type { PaymentFormProps } from "./payment-panel";
import { stripeFailure } from "./stripe-errors";

type Props = PaymentFormProps & { publishableKey: string };

/**
 * Stripe's Payment Element. Card data goes from the browser to Stripe only.
 *
 * Without Stripe's React library, which has 5 kB for this one element.
 */
export default function StripeForm({ publishableKey, ...props }: Props) {
  const [stripe, setStripe] = useState<Stripe | null>(null);
  const [isLoadFailed, setIsLoadFailed] = useState(false);

  useEffect(() => {
    // After a failure, loadStripe loads the script again.
    if (!isLoadFailed) loadStripe(publishableKey).then(setStripe, () => setIsLoadFailed(true));
  }, [publishableKey, isLoadFailed]);

  if (isLoadFailed) {
    return (
      <div className="alert alert-danger mb-0 vstack gap-3" role="alert">
        The payment form could not be loaded. Check your connection, and whether your browser blocks
        scripts from stripe.com.
        <ActionButton
          variant="outline-danger"
          isPending={false}
          isReady
          onClick={() => setIsLoadFailed(false)}
        >
          Try again
        </ActionButton>
      </div>
    );
  }
  return (
    <PaymentElementForm {...props} stripe={stripe} onLoadError={() => setIsLoadFailed(true)} />
  );
}

type ElementFormProps = PaymentFormProps & { stripe: Stripe | null; onLoadError: () => void };

function PaymentElementForm({ stripe, onLoadError, ...props }: ElementFormProps) {
  const node = useRef<HTMLDivElement>(null);
  const [elements, setElements] = useState<StripeElements>();
  const currency = useCurrency();

  const mount = useEffectEvent((stripe: Stripe, node: HTMLDivElement) => {
    const darkColorScheme = matchMedia("(prefers-color-scheme: dark)");
    const appearance = () => ({ theme: darkColorScheme.matches ? "night" : "stripe" }) as const;
    const created = stripe.elements({
      mode: "payment",
      amount: Math.round(props.order.ticket.price * 100),
      currency,
      paymentMethodCreation: "manual",
      // The payments service supports cards only. The default is all methods of the account.
      allowedPaymentMethodTypes: ["card"],
      appearance: appearance(),
    });
    const update = () => created.update({ appearance: appearance() });
    darkColorScheme.addEventListener("change", update);
    const element = created.create("payment");
    element.on("loaderror", onLoadError);
    element.mount(node);
    setElements(created);
    return () => {
      darkColorScheme.removeEventListener("change", update);
      element.destroy();
    };
  });
  useEffect(() => (stripe && node.current ? mount(stripe, node.current) : undefined), [stripe]);

  async function createToken(): Promise<string | ApiFailure> {
    if (!stripe || !elements) return STILL_LOADING;
    const { error: validationError } = await elements.submit();
    if (validationError) return stripeFailure(validationError);
    const { error, paymentMethod } = await stripe.createPaymentMethod({ elements });
    return error ? stripeFailure(error) : paymentMethod.id;
  }

  async function confirmPayment(clientSecret: string): Promise<ApiFailure | undefined> {
    if (!stripe) return STILL_LOADING;
    const { error } = await stripe.handleNextAction({ clientSecret });
    return error ? stripeFailure(error) : undefined;
  }

  return (
    <PaymentForm {...props} createToken={createToken} confirmPayment={confirmPayment}>
      <div className="stripe-element" ref={node} />
    </PaymentForm>
  );
}

const STILL_LOADING = localFailure(
  "stripe_loading",
  "The payment form is still loading. Try again in a moment.",
);
