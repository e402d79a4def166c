import { expect, test } from "vitest";
import { standing } from "@/standing";
import { anOrder, aPayment, NOW } from "./things";

test.each([
  ["created", undefined, "held"],
  ["created", "failed", "held"],
  ["created", "started", "paying"],
  ["awaiting:payment", "started", "paying"],
  ["awaiting:payment", "needs-confirmation", "confirming"],
  ["awaiting:payment", "failed", "held"],
  ["awaiting:payment", "succeeded", "yours"],
  ["complete", "succeeded", "yours"],
  ["complete", undefined, "yours"],
  ["cancelled", undefined, "cancelled"],
  ["cancelled", "failed", "cancelled"],
  ["cancelled", "refund-pending", "refund-on-its-way"],
  ["cancelled", "refunded", "refunded"],
] as const)("an order that is %s, its payment %s, is %s", (status, paid, how) => {
  const payments = paid ? [aPayment({ status: paid })] : [];
  expect(standing(anOrder({ status }), payments, NOW)).toBe(how);
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
