import type { Order, Payment } from "@/api/models";

/** The state that the order page shows, derived from the order, its payments and the time. */
export type OrderState =
  | "reserved"
  | "overdue"
  | "payment-processing"
  | "needs-confirmation"
  | "complete"
  | "refunded"
  | "refund-pending"
  | "cancelled-charge-unknown"
  | "cancelled"
  | "expired"
  | "ticket-deleted";

const STATE_BY_CANCEL_REASON = {
  "cancelled-by-buyer": "cancelled",
  expired: "expired",
  "ticket-gone": "ticket-deleted",
} as const;

const POLLED_STATES: OrderState[] = [
  "overdue",
  "payment-processing",
  "needs-confirmation",
  "refund-pending",
  "cancelled-charge-unknown",
];

/**
 * Return the state of an order.
 *
 * Orders and payments are two services, so either document can be older than the other. `payments`
 * (newest first) is undefined if they could not be loaded: then it is unknown whether the buyer
 * was charged.
 */
export function getOrderState(
  order: Order,
  payments: Payment[] | undefined,
  now: number,
): OrderState {
  const lastStatus = payments?.[0]?.status;
  if (lastStatus === "refunded") return "refunded";
  if (lastStatus === "refund-pending") return "refund-pending";
  if (order.status === "cancelled") {
    if (lastStatus === "succeeded") return "refund-pending";
    const isNotCharged = payments && (!lastStatus || lastStatus === "failed");
    return isNotCharged
      ? STATE_BY_CANCEL_REASON[order.reason ?? "cancelled-by-buyer"]
      : "cancelled-charge-unknown";
  }
  if (order.status === "complete" || lastStatus === "succeeded") return "complete";
  if (lastStatus === "needs-confirmation") return "needs-confirmation";
  if (lastStatus === "started" || (order.status === "awaiting:payment" && !lastStatus)) {
    return "payment-processing";
  }
  return now < Date.parse(order.expiresAt) ? "reserved" : "overdue";
}

/** Return whether the state changes without an action of the buyer, so that the page must poll. */
export function needsPolling(state: OrderState): boolean {
  return POLLED_STATES.includes(state);
}
