"use client";

import type { ApiFetch } from "@/api/api-fetch";
import { retryWhileNotFound } from "@/api/retry-not-found";
import type { ActionResult } from "@/hooks/use-action";

/** Ask the buyer to confirm the payment at the bank. */
export type ConfirmPayment = (clientSecret: string) => Promise<ActionResult>;

/** Pay an order with a Stripe token, let the buyer confirm if needed, and refresh the page. */
export async function submitPayment(
  apiFetch: ApiFetch,
  orderId: string,
  token: string,
  confirmPayment: ConfirmPayment,
  refresh: () => Promise<void>,
): Promise<ActionResult> {
  const payment = await retryWhileNotFound(() =>
    apiFetch("post", "/api/payments", { body: { orderId, token } }),
  );
  let result: ActionResult;
  if (!payment.ok) result = payment;
  else if (payment.status === 202) result = await confirmPayment(payment.data.clientSecret);
  if (!isLeavingPage(result)) await refresh();
  return result;
}

/** Continue a payment that the bank wants the buyer to confirm. */
export async function continueConfirmation(
  apiFetch: ApiFetch,
  paymentId: string,
  confirmPayment: ConfirmPayment,
  refresh: () => Promise<void>,
): Promise<ActionResult> {
  const payment = await apiFetch("get", "/api/payments/{paymentId}", { path: { paymentId } });
  if (!payment.ok) return payment;
  const { clientSecret } = payment.data;
  const result = clientSecret ? await confirmPayment(clientSecret) : undefined;
  if (!isLeavingPage(result)) await refresh();
  return result;
}

export function isLeavingPage(result: ActionResult): boolean {
  return result !== undefined && "loadPage" in result;
}
