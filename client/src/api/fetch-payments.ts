import type { ApiFetch } from "./api-fetch";
import { hasErrorCode } from "./errors";
import type { Payment } from "./models";

/** Load the payments of an order, newest first. Returns undefined if they are unavailable. */
export async function fetchPayments(
  apiFetch: ApiFetch,
  orderId: string,
): Promise<Payment[] | undefined> {
  const list = await apiFetch("get", "/api/payments", { query: { orderId } });
  // Payments does not know the order yet, so it has not charged it.
  if (!list.ok) return hasErrorCode(list, "not_found") ? [] : undefined;
  const [last, ...earlier] = list.data;
  if (last?.status !== "started" && last?.status !== "needs-confirmation") return list.data;
  // This route asks Stripe. The buyer may return from the bank before Stripe's webhook arrives.
  const payment = await apiFetch("get", "/api/payments/{paymentId}", {
    path: { paymentId: last.id },
  });
  return payment.ok ? [payment.data, ...earlier] : list.data;
}
