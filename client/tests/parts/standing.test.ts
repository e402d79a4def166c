import { expect, test } from "vitest";
import type { Payment } from "@/api/models";
import { isUnsettled, standing } from "@/standing";
import { anOrder, aPayment, NOW } from "./things";

/** An order's status, its last payment's (none: there is none; unknown: it cannot be told), and how it stands. */
test.each([
  ["created", "none", "held"],
  ["created", "unknown", "held"],
  ["created", "failed", "held"],
  ["created", "started", "paying"],
  ["created", "needs-confirmation", "confirming"],
  ["created", "succeeded", "yours"],
  ["created", "refund-pending", "refund-on-its-way"],
  ["created", "refunded", "refunded"],
  ["awaiting:payment", "none", "paying"],
  ["awaiting:payment", "unknown", "paying"],
  ["awaiting:payment", "failed", "held"],
  ["awaiting:payment", "started", "paying"],
  ["awaiting:payment", "needs-confirmation", "confirming"],
  ["awaiting:payment", "succeeded", "yours"],
  ["awaiting:payment", "refund-pending", "refund-on-its-way"],
  ["awaiting:payment", "refunded", "refunded"],
  ["complete", "none", "yours"],
  ["complete", "unknown", "yours"],
  ["complete", "failed", "yours"],
  ["complete", "started", "yours"],
  ["complete", "needs-confirmation", "yours"],
  ["complete", "succeeded", "yours"],
  ["complete", "refund-pending", "refund-on-its-way"],
  ["complete", "refunded", "refunded"],
  ["cancelled", "none", "cancelled"],
  ["cancelled", "unknown", "ended"],
  ["cancelled", "failed", "cancelled"],
  ["cancelled", "started", "ended"],
  ["cancelled", "needs-confirmation", "ended"],
  ["cancelled", "succeeded", "refund-on-its-way"],
  ["cancelled", "refund-pending", "refund-on-its-way"],
  ["cancelled", "refunded", "refunded"],
] as const)("an order that is %s, its payment %s, is %s", (status, paid, how) => {
  expect(standing(anOrder({ status }), paymentsThatAre(paid), NOW)).toBe(how);
});

function paymentsThatAre(paid: Payment["status"] | "none" | "unknown"): Payment[] | undefined {
  if (paid === "unknown") return undefined;
  return paid === "none" ? [] : [aPayment({ status: paid })];
}

test("what may have been charged, or will be given back, is asked after until that is known", () => {
  expect(isUnsettled("ended")).toBe(true);
  expect(isUnsettled("refund-on-its-way")).toBe(true);
});

test.each([
  ["cancelled-by-buyer", "cancelled"],
  ["expired", "expired"],
  ["ticket-gone", "withdrawn"],
] as const)("an order that ended as %s is %s, whenever one looks", (reason, how) => {
  expect(standing(anOrder({ status: "cancelled", reason }), [], NOW)).toBe(how);
});

test("an unpaid order past its time is waiting for its end", () => {
  expect(standing(anOrder(), [], NOW + 60_000)).toBe("time-is-up");
});
