import type { Order, Payment } from "./api/models";

/** How an order stands, as its buyer would say it. */
export type Standing =
  | "held"
  | "time-is-up"
  | "paying"
  | "confirming"
  | "yours"
  | "refunded"
  | "refund-on-its-way"
  | "ended"
  | "cancelled"
  | "expired"
  | "withdrawn";

const ENDS = {
  "cancelled-by-buyer": "cancelled",
  expired: "expired",
  "ticket-gone": "withdrawn",
} as const;

/**
 * Tells it of the order and its payments (the newest first), which may know of each other late.
 *
 * The payments are undefined where they cannot be told: that nothing was charged is then not known.
 */
export function standing(order: Order, payments: Payment[] | undefined, now: number): Standing {
  const expiresAt = Date.parse(order.expiresAt);
  const last = payments?.[0]?.status;
  if (last === "refunded") return "refunded";
  if (last === "refund-pending") return "refund-on-its-way";
  if (order.status === "cancelled") {
    if (last === "succeeded") return "refund-on-its-way";
    const isUncharged = payments && (!last || last === "failed");
    return isUncharged ? ENDS[order.reason ?? "cancelled-by-buyer"] : "ended";
  }
  if (order.status === "complete" || last === "succeeded") return "yours";
  if (last === "needs-confirmation") return "confirming";
  if (last === "started" || (order.status === "awaiting:payment" && !last)) return "paying";
  return now < expiresAt ? "held" : "time-is-up";
}

/** Whether it is about to become something else without anything that the buyer does here. */
export function isUnsettled(how: Standing): boolean {
  return ["time-is-up", "paying", "confirming", "refund-on-its-way", "ended"].includes(how);
}
