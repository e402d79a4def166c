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
  ["cancelled", undefined, "ended"],
  ["cancelled", "failed", "ended"],
  ["cancelled", "refund-pending", "refund-on-its-way"],
  ["cancelled", "refunded", "refunded"],
] as const)("an order that is %s, its payment %s, is %s", (status, paid, how) => {
  const payments = paid ? [aPayment({ status: paid })] : [];
  expect(standing(anOrder({ status }), payments, NOW)).toBe(how);
});

test.each([
  [-30_000, false, "cancelled"],
  [-30_000, true, "cancelled"],
  [300, true, "expired"],
  [90_000, false, "ended"],
])("one over %i ms after its time, live: %s, is %s", (after, live, how) => {
  const order = anOrder({ status: "cancelled" });
  const end = { seenAt: Date.parse(order.expiresAt) + after, live };
  expect(standing(order, [], NOW, end)).toBe(how);
});

test("an unpaid order past its time is waiting for its end", () => {
  expect(standing(anOrder(), [], NOW + 60_000)).toBe("time-is-up");
});
