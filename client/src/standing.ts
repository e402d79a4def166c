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
  | "cancelled"
  | "expired"
  /** One of the two: it was over before anybody looked. */
  | "ended";

/** When it was first seen to be over, and whether it was so before one's eyes. */
export type End = { seenAt: number; live: boolean };

/** How far our idea of the server's time may be behind. */
const CLOCKS_DIFFER = 2000;

/** Tells it of the order and its payments (the newest first), which may know of each other late. */
export function standing(order: Order, payments: Payment[], now: number, end?: End): Standing {
  const expiresAt = Date.parse(order.expiresAt);
  const last = payments[0]?.status;
  if (last === "refunded") return "refunded";
  if (last === "refund-pending") return "refund-on-its-way";
  if (order.status === "cancelled") {
    if (end && end.seenAt < expiresAt - CLOCKS_DIFFER) return "cancelled";
    return end?.live ? "expired" : "ended";
  }
  if (order.status === "complete" || last === "succeeded") return "yours";
  if (last === "needs-confirmation") return "confirming";
  if (last === "started") return "paying";
  return now < expiresAt ? "held" : "time-is-up";
}

/** Whether it is about to become something else without anything that the buyer does here. */
export function isUnsettled(how: Standing): boolean {
  return ["time-is-up", "paying", "confirming", "refund-on-its-way"].includes(how);
}
