import { act, render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, expect, test, vi } from "vitest";
import type { Payment } from "@/api/models";
import { OrderView } from "@/components/orders/order-view";
import { accessibilityViolations } from "../helpers/axe";
import { makeOrder, makePayment } from "../helpers/factories";
import { FakeEventSource } from "../helpers/fake-event-source";
import { errorResponse, idempotencyKeys, jsonResponse, mockRoutes } from "../helpers/mock-fetch";

/** Expires after all tests of this file. */
const order = makeOrder({ expiresAt: new Date(Date.now() + 3_600_000).toISOString() });
const cancelledOrder = { ...order, status: "cancelled", version: 2 } as const;

const NOT_FOUND = errorResponse(404, { code: "not_found", message: "Not found" });
const UNAVAILABLE = errorResponse(503, { code: "unavailable", message: "Not available" });

beforeEach(() => void FakeEventSource.install());

function renderOrder(payments: Payment[] | undefined, renderedOrder = order) {
  return render(
    <OrderView
      order={renderedOrder}
      payments={payments}
      lastEventId="7"
      publishableKey={null}
      renderedAt={Date.now()}
    />,
  );
}

const mockApi = (routes: Record<string, Response[]>) =>
  mockRoutes(routes, jsonResponse(200, order));

const pay = async () => userEvent.click(await screen.findByRole("button", { name: "Pay $25.00" }));

test("OrderView of a reserved order counts down and offers to pay or cancel", async () => {
  vi.useFakeTimers({ toFake: ["Date", "performance"] });
  const expiresAt = new Date(Date.now() + 60_000).toISOString();
  const { container } = renderOrder([], makeOrder({ expiresAt }));
  await screen.findByRole("button", { name: "Pay $25.00" });
  expect(screen.getByRole("timer").textContent).toBe("1:00 left to pay");
  vi.useRealTimers();
  expect(screen.getByRole("button", { name: "Cancel order" })).toBeTruthy();
  expect(await accessibilityViolations(container)).toEqual([]);
});

test("OrderView shows the bank's message after a decline, and the form for another card", async () => {
  mockApi({
    "POST /api/payments": [
      errorResponse(402, { code: "payment_declined", message: "Your card was declined." }),
    ],
    "GET /api/payments": [
      jsonResponse(200, [makePayment({ status: "failed", message: "Your card was declined." })]),
    ],
  });
  renderOrder([]);
  await pay();
  expect((await screen.findByRole("alert")).textContent).toBe("Your card was declined.");
  expect(screen.getByRole<HTMLButtonElement>("button", { name: "Pay $25.00" }).disabled).toBe(
    false,
  );
});

test("OrderView charges the selected card", async () => {
  const fetch = mockApi({
    "POST /api/payments": [errorResponse(402, { code: "payment_declined", message: "No." })],
    "GET /api/payments": [jsonResponse(200, [])],
  });
  renderOrder([]);
  await userEvent.click(await screen.findByRole("radio", { name: /expired card/ }));
  await pay();
  expect(await screen.findByRole("alert")).toBeTruthy();
  const body = fetch.mock.calls.find(([, { method }]) => method === "POST")?.[1].body;
  expect(JSON.parse(String(body)).token).toBe("pm_card_chargeDeclinedExpiredCard");
});

test("OrderView counts down and follows the stream while a payment is pending", async () => {
  mockApi({ "GET /api/payments": [jsonResponse(200, [])] });
  const respond = globalThis.fetch;
  vi.stubGlobal("fetch", (url: string, init: RequestInit) =>
    init.method === "POST" ? new Promise(() => {}) : respond(url, init),
  );
  renderOrder([]);
  const timer = () => screen.getByRole("timer").textContent;
  await pay();
  expect(await screen.findByRole("heading", { name: "Processing your payment" })).toBeTruthy();
  const before = timer();
  await waitFor(() => expect(timer()).not.toBe(before));
  expect(screen.getByRole("button", { name: "Pay $25.00" })).toBe(document.activeElement);

  await FakeEventSource.instances[0]?.send("order", cancelledOrder);
  expect(await screen.findByRole("heading", { name: "Cancelled" })).toBeTruthy();
});

test("OrderView repeats a payment while payments does not know the order", async () => {
  const fetch = mockApi({
    "POST /api/payments": [NOT_FOUND, jsonResponse(201, makePayment())],
    "GET /api/payments": [jsonResponse(200, [makePayment({ status: "succeeded" })])],
  });
  renderOrder([]);
  await pay();
  expect(await screen.findByText("The ticket is yours")).toBeTruthy();
  expect(fetch.mock.calls.filter(([, { method }]) => method === "POST")).toHaveLength(2);
});

test("OrderView repeats the idempotency key of a payment without a stored response", async () => {
  const fetch = mockApi({
    "POST /api/payments": [UNAVAILABLE, jsonResponse(201, makePayment())],
    "GET /api/payments": [
      jsonResponse(200, []),
      jsonResponse(200, [makePayment({ status: "succeeded" })]),
    ],
  });
  renderOrder([]);
  await pay();
  await screen.findByText("Not available");
  await pay();
  expect(await screen.findByText("The ticket is yours")).toBeTruthy();
  const keys = idempotencyKeys(fetch.mock.calls.filter(([, { method }]) => method === "POST"));
  expect(keys).toEqual([keys[0], keys[0]]);
});

test.each([
  ["complete", "The ticket is yours"],
  ["cancelled", "Cancelled"],
] as const)("OrderView changes when the stream sends a %s order", async (status, title) => {
  mockApi({ "GET /api/payments": [jsonResponse(200, [])] });
  renderOrder([]);
  await FakeEventSource.instances[0]?.send("order", { ...order, status, version: 2 });
  expect(await screen.findByRole("heading", { name: title })).toBeTruthy();
});

test.each([
  ["started", "Processing your payment"],
  ["needs-confirmation", "Confirm your payment"],
  ["refund-pending", "Refund in progress"],
  ["refunded", "Refunded"],
  ["charged-back", "Returned by your bank"],
] as const)("OrderView shows a payment that is %s as %s", async (status, title) => {
  const { container } = renderOrder([makePayment({ status, reason: "The ticket is gone." })]);
  expect(screen.getByRole("heading", { name: title })).toBeTruthy();
  expect(await accessibilityViolations(container)).toEqual([]);
});

test("OrderView of a cancelled order polls until its payments are known", async () => {
  vi.useFakeTimers();
  mockApi({
    [`GET /api/orders/${order.id}`]: [jsonResponse(200, cancelledOrder)],
    "GET /api/payments": [
      UNAVAILABLE,
      jsonResponse(200, [makePayment({ status: "succeeded" })]),
      jsonResponse(200, [makePayment({ status: "refunded", reason: "you cancelled the order" })]),
    ],
  });
  const { container } = renderOrder(undefined, cancelledOrder);
  const status = () => container.querySelector("[role=status]")?.textContent;
  expect(status()).toMatch(/^CancelledWe are checking/);
  await act(() => vi.advanceTimersByTimeAsync(2600));
  expect(status()).toMatch(/^CancelledWe are checking/);
  await act(() => vi.advanceTimersByTimeAsync(2600));
  expect(status()).toBe("Refund in progressWe are refunding your payment.");
  await act(() => vi.advanceTimersByTimeAsync(2600));
  expect(status()).toMatch(
    /^RefundedWe have refunded your payment: you cancelled the order\. Check/,
  );
  vi.useRealTimers();
});

test.each([
  ["payments is unavailable", UNAVAILABLE, "We are checking your payment"],
  [
    "it was paid",
    jsonResponse(200, [makePayment({ status: "succeeded" })]),
    "We are refunding your payment",
  ],
  ["payments does not know the order", NOT_FOUND, "You were not charged"],
])("OrderView shows a cancellation together with the charge: %s", async (_, response, text) => {
  mockApi({
    [`GET /api/orders/${order.id}`]: [jsonResponse(200, cancelledOrder)],
    "GET /api/payments": [response],
  });
  renderOrder([]);
  await FakeEventSource.instances[0]?.send("order", cancelledOrder);
  expect(await screen.findByText(new RegExp(text))).toBeTruthy();
});
