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
  | "charged-back"
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
  const lastPayment = payments?.[0];
  const lastStatus = lastPayment?.status;
  if (lastStatus === "refunded") return "refunded";
  if (lastStatus === "refund-pending") return "refund-pending";
  if (lastStatus === "charged-back") return "charged-back";
  if (order.status === "cancelled") {
    if (lastStatus === "succeeded") return "refund-pending";
    const isNotCharged = payments && (!lastStatus || lastStatus === "failed");
    return isNotCharged
      ? STATE_BY_CANCEL_REASON[order.reason ?? "cancelled-by-buyer"]
      : "cancelled-charge-unknown";
  }
  if (order.status === "complete" || lastStatus === "succeeded") return "complete";
  if (lastPayment?.status === "needs-confirmation") {
    return now < Date.parse(lastPayment.payBy) ? "needs-confirmation" : "overdue";
  }
  if (lastStatus === "started" || (order.status === "awaiting:payment" && !lastStatus)) {
    return "payment-processing";
  }
  return now < Date.parse(order.expiresAt) ? "reserved" : "overdue";
}

type Label = { variant: "success" | "info" | "warning" | "secondary"; title: string };

/** The words of each state, on every page. */
export const ORDER_LABELS: Record<OrderState, Label> = {
  reserved: { variant: "info", title: "Reserved for you" },
  overdue: { variant: "secondary", title: "Time is up" },
  "payment-processing": { variant: "info", title: "Processing your payment" },
  "needs-confirmation": { variant: "warning", title: "Confirm your payment" },
  complete: { variant: "success", title: "The ticket is yours" },
  refunded: { variant: "warning", title: "Refunded" },
  "refund-pending": { variant: "warning", title: "Refund in progress" },
  "charged-back": { variant: "warning", title: "Returned by your bank" },
  "cancelled-charge-unknown": { variant: "secondary", title: "Cancelled" },
  cancelled: { variant: "secondary", title: "Cancelled" },
  expired: { variant: "secondary", title: "Expired" },
  "ticket-deleted": { variant: "secondary", title: "No longer for sale" },
};

/** Return the end of the time that the buyer has left in a state, if there is one. */
export function getDeadline(
  state: OrderState,
  order: Order,
  lastPayment: Payment | undefined,
): number | undefined {
  if (state === "reserved") return Date.parse(order.expiresAt);
  if (state === "needs-confirmation" && lastPayment) return Date.parse(lastPayment.payBy);
  return undefined;
}

/** Return whether the state changes without an action of the buyer, so that the page must poll. */
export function needsPolling(state: OrderState): boolean {
  return POLLED_STATES.includes(state);
}
