"use client";

import type { Failure } from "@/api/answer";
import type { Caller } from "@/api/call";
import { patiently } from "@/api/patiently";
import type { Outcome } from "../use-action";

/** Has the buyer confirm the payment at the bank. */
export type Confirm = (clientSecret: string) => Promise<Outcome>;

/** Pays an order with a token of Stripe's, and looks how it stands afterwards, whatever came of it. */
export async function payWith(
  call: Caller,
  orderId: string,
  token: string,
  confirm: Confirm,
  look: () => Promise<void>,
): Promise<Outcome> {
  const answer = await patiently(() => call("post", "/api/payments", { body: { orderId, token } }));
  const outcome: Outcome | Failure =
    answer.ok && answer.status === 202
      ? await confirm(answer.data.clientSecret)
      : answer.ok
        ? undefined
        : answer;
  if (!outcome || !("leaveFor" in outcome)) await look();
  return outcome;
}

/** Goes on with a payment that the bank wants confirmed. */
export async function goOnWith(
  call: Caller,
  paymentId: string,
  confirm: Confirm,
  look: () => Promise<void>,
): Promise<Outcome> {
  const answer = await call("get", "/api/payments/{paymentId}", { path: { paymentId } });
  if (!answer.ok) return answer;
  const outcome = answer.data.clientSecret ? await confirm(answer.data.clientSecret) : undefined;
  if (!outcome || !("leaveFor" in outcome)) await look();
  return outcome;
}
