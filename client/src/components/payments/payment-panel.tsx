"use client";

import { lazy, memo, Suspense } from "react";
import type { Order, Payment } from "@/api/models";

// Lazy, so that a page loads only the form that it shows.
const StripeForm = lazy(() => import("./stripe-form"));
const TestCardForm = lazy(() => import("./test-card-form"));

export type PaymentFormProps = {
  order: Order;
  /** The last attempt to pay, if there is one. */
  lastPayment?: Payment;
  /** Whether the bank waits for the buyer to confirm that attempt. */
  needsConfirmation: boolean;
  /** Load the order and its payments again. */
  refresh: () => Promise<void>;
  /** Called when a request to pay is sent, and when it has ended. */
  setIsPaying: (isPaying: boolean) => void;
};

type Props = PaymentFormProps & { publishableKey: string | null };

/**
 * The payment form of an order: Stripe's, or Stripe's test cards if there is no publishable key.
 *
 * Memoized: an update before the form is hydrated would lose the card that was selected meanwhile.
 */
export const PaymentPanel = memo(function PaymentPanel({ publishableKey, ...props }: Props) {
  return (
    <Suspense fallback={<div className="payment-form-placeholder" />}>
      {publishableKey ? (
        <StripeForm {...props} publishableKey={publishableKey} />
      ) : (
        <TestCardForm {...props} />
      )}
    </Suspense>
  );
});
