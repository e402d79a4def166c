import { act, render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, expect, test, vi } from "vitest";
import type { Payment } from "@/api/models";
import { OrderView } from "@/ui/order-view";
import { violations } from "./accessible";
import { errors, json } from "./api";
import { FakeStream } from "./stream";
import { anOrder, aPayment } from "./things";

/** It lasts longer than all of these tests. */
const order = anOrder({ expiresAt: new Date(Date.now() + 3_600_000).toISOString() });

beforeEach(() => void FakeStream.install());

function show(payments: Payment[] | undefined, rendered = order) {
  return render(
    <OrderView
      order={rendered}
      payments={payments}
      publishableKey={null}
      renderedAt={Date.now()}
    />,
  );
}

/** Answers for each route; the last of a list again and again. */
function market(routes: Record<string, Response[]>) {
  const asked = vi.fn(async (address: string, init: RequestInit) => {
    const answers = routes[`${init.method} ${address.split("?")[0]}`] ?? [json(200, order)];
    return ((answers.length > 1 ? answers.shift() : answers[0]) as Response).clone();
  });
  vi.stubGlobal("fetch", asked);
  return asked;
}

const pay = async () => userEvent.click(await screen.findByRole("button", { name: "Pay $25.00" }));

test("a held order counts down, and can be paid or cancelled", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const expiresAt = new Date(Date.now() + 60_000).toISOString();
  const { container } = show([], anOrder({ expiresAt }));
  await screen.findByRole("button", { name: "Pay $25.00" });
  expect(screen.getByRole("timer").textContent).toBe("1:00 left to pay");
  vi.useRealTimers();
  expect(screen.getByRole("button", { name: "Cancel this order" })).toBeTruthy();
  expect(await violations(container)).toEqual([]);
});

test("a decline is told in the bank's words, and the form is there for another card", async () => {
  market({
    "POST /api/payments": [errors(402, { message: "Your card was declined." })],
    "GET /api/payments": [
      json(200, [aPayment({ status: "failed", message: "Your card was declined." })]),
    ],
  });
  show([]);
  await pay();
  expect((await screen.findByRole("alert")).textContent).toBe("Your card was declined.");
  expect(screen.getByRole<HTMLButtonElement>("button", { name: "Pay $25.00" }).disabled).toBe(
    false,
  );
});

test("the card that was chosen is the one that is charged", async () => {
  const asked = market({
    "POST /api/payments": [errors(402, { message: "No." })],
    "GET /api/payments": [json(200, [])],
  });
  show([]);
  await userEvent.click(await screen.findByRole("radio", { name: /expired card/ }));
  await pay();
  expect(await screen.findByRole("alert")).toBeTruthy();
  const sent = asked.mock.calls.find(([, { method }]) => method === "POST")?.[1].body;
  expect(JSON.parse(String(sent)).token).toBe("pm_card_chargeDeclinedExpiredCard");
});

test("an order that payments does not know yet is asked for again", async () => {
  const asked = market({
    "POST /api/payments": [errors(404, { message: "Not found" }), json(201, aPayment())],
    "GET /api/payments": [json(200, [aPayment({ status: "succeeded" })])],
  });
  show([]);
  await pay();
  expect(await screen.findByText("It is yours")).toBeTruthy();
  expect(asked.mock.calls.filter(([, { method }]) => method === "POST")).toHaveLength(2);
});

test("to pay again because no answer came is the same payment", async () => {
  const asked = market({
    "POST /api/payments": [errors(503, { message: "Not available" }), json(201, aPayment())],
    "GET /api/payments": [json(200, []), json(200, [aPayment({ status: "succeeded" })])],
  });
  show([]);
  await pay();
  await screen.findByText("Not available");
  await pay();
  expect(await screen.findByText("It is yours")).toBeTruthy();
  const paid = asked.mock.calls.filter(([, { method }]) => method === "POST");
  const keys = paid.map(([, { headers }]) => new Headers(headers).get("idempotency-key"));
  expect(keys).toEqual([keys[0], keys[0]]);
});

test.each([
  ["complete", "It is yours"],
  ["cancelled", "Cancelled"],
] as const)("it turns to %s by itself", async (status, title) => {
  market({ "GET /api/payments": [json(200, [])] });
  show([]);
  await FakeStream.opened[0]?.say("order", { ...order, status, version: 2 });
  expect(await screen.findByRole("heading", { name: title })).toBeTruthy();
});

test.each([
  ["started", "Paying"],
  ["needs-confirmation", "Confirming with your bank"],
  ["refund-pending", "Being refunded"],
  ["refunded", "Refunded"],
] as const)("a payment that is %s is told as %s", async (status, title) => {
  const { container } = show([aPayment({ status, reason: "The ticket is gone." })]);
  expect(screen.getByRole("heading", { name: title })).toBeTruthy();
  expect(await violations(container)).toEqual([]);
});

const cancelled = { ...order, status: "cancelled", version: 2 } as const;

test("a cancelled order whose payment cannot be told promises nothing, and asks until it can", async () => {
  vi.useFakeTimers();
  market({
    [`GET /api/orders/${order.id}`]: [json(200, cancelled)],
    "GET /api/payments": [
      errors(503, { message: "Not available" }),
      json(200, [aPayment({ status: "succeeded" })]),
      json(200, [aPayment({ status: "refunded", reason: "you cancelled the order" })]),
    ],
  });
  const { container } = show(undefined, cancelled);
  const told = () => container.querySelector("[role=status]")?.textContent;
  expect(told()).toMatch(/^CancelledWe are asking/);
  await act(() => vi.advanceTimersByTimeAsync(2600));
  expect(told()).toMatch(/^CancelledWe are asking/);
  await act(() => vi.advanceTimersByTimeAsync(2600));
  expect(told()).toBe("Being refundedYou are getting your money back.");
  await act(() => vi.advanceTimersByTimeAsync(2600));
  expect(told()).toMatch(/^RefundedYou have your money back: you cancelled the order\. See/);
  vi.useRealTimers();
});

test.each([
  ["payments cannot be asked", errors(503, { message: "Not available" }), "We are asking the bank"],
  [
    "it was paid",
    json(200, [aPayment({ status: "succeeded" })]),
    "You are getting your money back",
  ],
  ["payments has never heard of it", errors(404, { message: "Not found" }), "You were not charged"],
])("its end is told together with whether it was charged: %s", async (_, answer, words) => {
  market({
    [`GET /api/orders/${order.id}`]: [json(200, cancelled)],
    "GET /api/payments": [answer],
  });
  show([]);
  await FakeStream.opened[0]?.say("order", cancelled);
  expect(await screen.findByText(new RegExp(words))).toBeTruthy();
});
