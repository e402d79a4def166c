import type { Caller } from "./call";
import type { Payment } from "./models";

/** An order's payments, the newest first and as the bank has it; undefined where they cannot be told. */
export async function paymentsOf(call: Caller, orderId: string): Promise<Payment[] | undefined> {
  const answer = await call("get", "/api/payments", { query: { orderId } });
  // What payments has not heard of it has not charged.
  if (!answer.ok) return answer.status === 404 ? [] : undefined;
  const [last, ...earlier] = answer.data;
  if (last?.status !== "started" && last?.status !== "needs-confirmation") return answer.data;
  // One may just have come back from the bank, and Stripe's own word of it be still on its way.
  const seen = await call("get", "/api/payments/{paymentId}", { path: { paymentId: last.id } });
  return seen.ok ? [seen.data, ...earlier] : answer.data;
}
