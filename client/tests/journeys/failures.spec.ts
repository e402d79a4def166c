import AxeBuilder from "@axe-core/playwright";
import { ApiProxy, type Failure } from "./api-proxy";
import { ClientServer } from "./client-server";
import { expect, test } from "./fixtures";

const UNAVAILABLE: Failure = {
  status: 503,
  body: '{"errors":[{"code":"unavailable","message":"Not available at the moment, try again"}]}',
};
/** A list of tickets without any field. */
const INVALID_DATA: Failure = { status: 200, body: "[{}]" };

for (const [problem, failure, status, heading] of [
  ["the API is unavailable", UNAVAILABLE, 503, "Temporarily unavailable"],
  ["the API returns invalid data", INVALID_DATA, 500, "Something went wrong"],
] as const) {
  test(`page shows an error while ${problem}, and recovers with "Try again"`, async ({
    seller,
    newVisitor,
  }) => {
    const title = `Available again ${Date.now()}`;
    await seller.createTicket(title);
    const proxy = new ApiProxy(failure);
    const client = await ClientServer.start({ API_URL: await proxy.start() });
    try {
      const { page } = await newVisitor();

      const response = await page.goto(client.url);

      expect(response?.status()).toBe(status);
      await expect(page.getByRole("heading", { name: heading })).toBeVisible();
      expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);
      await page.screenshot({ path: `test-results/pages/${heading}.png`, fullPage: true });
      const { page: withoutScript } = await newVisitor({ javaScriptEnabled: false });
      expect((await withoutScript.goto(client.url))?.status()).toBe(status);
      await expect(withoutScript.getByRole("heading", { name: heading })).toBeVisible();

      proxy.failure = undefined;
      await page.getByText("Try again", { exact: true }).click();
      await expect(page.getByRole("link", { name: title })).toBeVisible();
    } finally {
      await client.stop();
      proxy.stop();
    }
  });
}

test("buyer can buy a ticket without the streams", async ({ seller, newSignedInUser }) => {
  const buyer = await newSignedInUser();
  await buyer.page.addInitScript(() => {
    const silentWorker = class {
      port = { postMessage() {} };
    };
    Object.assign(window, { SharedWorker: silentWorker });
  });
  const { id } = await seller.createTicket("Without streams", 42.5);

  await buyer.page.goto(`/tickets/${id}`);
  await buyer.page.getByRole("button", { name: "Buy for $42.50" }).click();
  await expect(buyer.page.getByRole("heading", { name: "Reserved for you" })).toBeVisible();
  await buyer.pay();

  await expect(buyer.page.getByRole("heading", { name: "The ticket is yours" })).toBeVisible();
});

test("order page shows later whether an order was cancelled or expired", async ({
  seller,
  newSignedInUser,
}) => {
  const buyer = await newSignedInUser();
  const ticketToCancel = await seller.createTicket("First order");
  const ticketToExpire = await seller.createTicket("Second order");
  const cancelledOrder = await buyer.orderTicket(ticketToCancel);
  await buyer.request.delete(`/api/orders/${cancelledOrder.id}`);
  const expiredOrder = await buyer.orderTicket(ticketToExpire);

  await buyer.page.goto(`/orders/${cancelledOrder.id}`);
  await expect(buyer.page.getByRole("heading", { name: "Cancelled" })).toBeVisible();

  await expect(async () => {
    const response = await buyer.request.get(`/api/orders/${expiredOrder.id}`);
    expect((await response.json()).status).toBe("cancelled");
  }).toPass({ timeout: 150_000 });
  await buyer.page.goto(`/orders/${expiredOrder.id}`);
  await expect(buyer.page.getByRole("heading", { name: "Expired" })).toBeVisible();
  await buyer.page.goto("/orders");
  const orders = buyer.page.getByRole("article");
  await expect(orders.filter({ hasText: "First order" })).toContainText("Cancelled");
  await expect(orders.filter({ hasText: "Second order" })).toContainText("Expired");
});
