import { expect, test } from "vitest";
import type { Payment } from "@/api/models";
import { getDeadline, getOrderState, needsPolling } from "@/lib/order-state";
import { makeOrder, makePayment, NOW } from "../helpers/factories";

/** The order's status, its last payment's status (or none, or unknown), and the state. */
test.each([
  ["created", "none", "reserved"],
  ["created", "unknown", "reserved"],
  ["created", "failed", "reserved"],
  ["created", "started", "payment-processing"],
  ["created", "needs-confirmation", "needs-confirmation"],
  ["created", "succeeded", "complete"],
  ["created", "refund-pending", "refund-pending"],
  ["created", "refunded", "refunded"],
  ["created", "charged-back", "charged-back"],
  ["awaiting:payment", "none", "payment-processing"],
  ["awaiting:payment", "unknown", "payment-processing"],
  ["awaiting:payment", "failed", "reserved"],
  ["awaiting:payment", "started", "payment-processing"],
  ["awaiting:payment", "needs-confirmation", "needs-confirmation"],
  ["awaiting:payment", "succeeded", "complete"],
  ["awaiting:payment", "refund-pending", "refund-pending"],
  ["awaiting:payment", "refunded", "refunded"],
  ["complete", "none", "complete"],
  ["complete", "unknown", "complete"],
  ["complete", "failed", "complete"],
  ["complete", "started", "complete"],
  ["complete", "needs-confirmation", "complete"],
  ["complete", "succeeded", "complete"],
  ["complete", "refund-pending", "refund-pending"],
  ["complete", "refunded", "refunded"],
  ["cancelled", "none", "cancelled"],
  ["cancelled", "unknown", "cancelled-charge-unknown"],
  ["cancelled", "failed", "cancelled"],
  ["cancelled", "started", "cancelled-charge-unknown"],
  ["cancelled", "needs-confirmation", "cancelled-charge-unknown"],
  ["cancelled", "succeeded", "refund-pending"],
  ["cancelled", "refund-pending", "refund-pending"],
  ["cancelled", "refunded", "refunded"],
  ["cancelled", "charged-back", "charged-back"],
] as const)("getOrderState of a %s order with payment %s is %s", (status, payment, state) => {
  expect(getOrderState(makeOrder({ status }), paymentsWithStatus(payment), NOW)).toBe(state);
});

function paymentsWithStatus(status: Payment["status"] | "none" | "unknown"): Payment[] | undefined {
  if (status === "unknown") return undefined;
  return status === "none" ? [] : [makePayment({ status })];
}

test("getOrderState of a payment to confirm ends with its time, like that of an order", () => {
  const order = makeOrder({ status: "awaiting:payment" });
  const payment = makePayment({ status: "needs-confirmation" });
  const end = Date.parse(payment.payBy);
  expect(getDeadline(getOrderState(order, [payment], end - 1), order, payment)).toBe(end);
  expect(getOrderState(order, [payment], end)).toBe("overdue");
  const unpaid = makeOrder();
  expect(getDeadline(getOrderState(unpaid, [], NOW), unpaid, undefined)).toBe(
    Date.parse(unpaid.expiresAt),
  );
});

test("needsPolling is true until it is known whether the buyer was charged or refunded", () => {
  expect(needsPolling("cancelled-charge-unknown")).toBe(true);
  expect(needsPolling("refund-pending")).toBe(true);
});

test.each([
  ["cancelled-by-buyer", "cancelled"],
  ["expired", "expired"],
  ["ticket-gone", "ticket-deleted"],
] as const)("getOrderState of an order cancelled as %s is %s at any time", (reason, state) => {
  expect(getOrderState(makeOrder({ status: "cancelled", reason }), [], NOW)).toBe(state);
});

test("getOrderState of an unpaid order after its time is overdue", () => {
  expect(getOrderState(makeOrder(), [], NOW + 60_000)).toBe("overdue");
});
