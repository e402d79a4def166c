"use client";

import { lazy, Suspense } from "react";
import type { Order, Payment } from "@/api/models";

// A page brings along the one that it shows.
const StripeForm = lazy(() => import("./stripe-form"));
const SandboxForm = lazy(() => import("./sandbox-form"));

export type PayProps = {
  order: Order;
  /** The last try to pay, if there was one. */
  last?: Payment;
  /** Whether the bank waits for the buyer to confirm that try. */
  isConfirming: boolean;
  look: () => Promise<void>;
};

/** The form that pays an order: Stripe's, or without a key for it a sandbox of its test cards. */
export function Pay({ publishableKey, ...props }: PayProps & { publishableKey: string | null }) {
  return (
    <Suspense fallback={<div className="form-room" />}>
      {publishableKey ? (
        <StripeForm {...props} publishableKey={publishableKey} />
      ) : (
        <SandboxForm {...props} />
      )}
    </Suspense>
  );
}
