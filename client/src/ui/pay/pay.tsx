"use client";

import dynamic from "next/dynamic";
import type { Order, Payment } from "@/api/models";
import { SandboxForm } from "./sandbox-form";

// Loaded only where Stripe is on.
const StripeForm = dynamic(() => import("./stripe-form"), {
  ssr: false,
  loading: () => <div className="stripe-room" />,
});

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
  return publishableKey ? (
    <StripeForm {...props} publishableKey={publishableKey} />
  ) : (
    <SandboxForm {...props} />
  );
}
