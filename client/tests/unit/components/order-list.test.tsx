import { render, screen } from "@testing-library/react";
import { expect, test } from "vitest";
import { OrderList } from "@/components/orders/order-list";
import { makeOrder, NOW } from "../helpers/factories";
import { FakeEventSource } from "../helpers/fake-event-source";
import { router } from "../setup";

const order = makeOrder({ version: 1 });

function renderList(isFirstPage = true) {
  const streams = FakeEventSource.install();
  render(
    <OrderList
      orders={[order]}
      payments={[[]]}
      userId={order.userId}
      lastEventId="7"
      isFirstPage={isFirstPage}
      renderedAt={NOW}
    />,
  );
  return streams[0] as FakeEventSource;
}

const row = () => screen.getByRole("article").textContent;

test("OrderList shows changes of its orders, and no older versions", async () => {
  const stream = renderList();
  expect(stream.url).toBe("/api/orders/stream?lastEventId=7");
  await stream.send("order", { ...order, status: "complete", version: 2 });
  expect(row()).toContain("The ticket is yours");
  await stream.send("order", { ...order, status: "created", version: 1 });
  expect(row()).toContain("The ticket is yours");
  expect(router.refresh).not.toHaveBeenCalled();
});

test("OrderList ignores the orders of another user, who signed in meanwhile", async () => {
  const stream = renderList();
  await stream.send("order", { ...order, userId: "9".repeat(24), status: "complete", version: 2 });
  expect(row()).not.toContain("The ticket is yours");
});

test.each([
  ["first", true, 1],
  ["later", false, 0],
])("OrderList of the %s page refreshes for a new order: %s", async (_, isFirstPage, refreshes) => {
  const stream = renderList(isFirstPage);
  await stream.send("order", makeOrder({ id: "f".repeat(24) }));
  expect(router.refresh).toHaveBeenCalledTimes(refreshes);
});

test("OrderList refreshes when events were lost", async () => {
  await renderList().send("reset", {});
  expect(router.refresh).toHaveBeenCalledTimes(1);
});
