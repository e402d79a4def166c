import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import AxeBuilder from "@axe-core/playwright";
import { AnotherShop } from "./another-shop";
import { expect, test } from "./people";

const AWAY = {
  status: 503,
  body: '{"errors":[{"message":"Not available at the moment, try again"}]}',
};
/** Tickets that lack everything. */
const NONSENSE = { status: 200, body: "[{}]" };

/** Between the pages and the services, when there is trouble and when there is none any more. */
class Wire {
  private readonly server: Server;

  constructor(public trouble: typeof AWAY | undefined) {
    this.server = createServer(async (asked, answer) => {
      if (this.trouble) {
        answer.writeHead(this.trouble.status, { "Content-Type": "application/json" });
        answer.end(this.trouble.body);
        return;
      }
      const found = await fetch(`${process.env.MARKET_URL}${asked.url}`);
      answer.writeHead(found.status, Object.fromEntries(found.headers));
      answer.end(await found.text());
    });
  }

  open(): Promise<string> {
    return new Promise((done) =>
      this.server.listen(0, "127.0.0.1", () =>
        done(`http://127.0.0.1:${(this.server.address() as AddressInfo).port}`),
      ),
    );
  }

  close(): void {
    this.server.closeAllConnections();
    this.server.close();
  }
}

for (const [what, trouble, heading] of [
  ["the market is away", AWAY, "Not right now"],
  ["the market talks nonsense", NONSENSE, "Something went wrong"],
] as const) {
  test(`while ${what} a page says so, and one try later it is there`, async ({
    seller,
    visitor,
  }) => {
    const title = `Back again ${Date.now()}`;
    await seller.offer(title);
    const wire = new Wire(trouble);
    const shop = await AnotherShop.open({ API_URL: await wire.open() });
    try {
      const { page } = await visitor();

      await page.goto(shop.url);

      await expect(page.getByRole("heading", { name: heading })).toBeVisible();
      expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);
      await page.screenshot({ path: `test-results/pages/${heading}.png`, fullPage: true });

      wire.trouble = undefined;
      await page.getByText("Try again", { exact: true }).click();
      await expect(page.getByRole("link", { name: title })).toBeVisible();
    } finally {
      await shop.close();
      wire.close();
    }
  });
}

test("without the streams a ticket can still be bought", async ({ seller, somebody }) => {
  const me = await somebody();
  await me.page.route("**/stream", (route) => route.abort());
  const { id } = await seller.offer("Far from any news", 42.5);

  await me.page.goto(`/tickets/${id}`);
  await me.page.getByRole("button", { name: "Buy for $42.50" }).click();
  await expect(me.page.getByRole("heading", { name: "Held for you" })).toBeVisible();
  await me.pay();

  await expect(me.page.getByRole("heading", { name: "It is yours" })).toBeVisible();
});

test("an order that was let go says so later, and one whose time was over says that", async ({
  seller,
  somebody,
}) => {
  const me = await somebody();
  const [kept, left] = [await seller.offer("Let go"), await seller.offer("Left to its time")];
  const order = await me.order(kept);
  await me.request.delete(`/api/orders/${order.id}`);
  const late = await me.order(left);

  await me.page.goto(`/orders/${order.id}`);
  await expect(me.page.getByRole("heading", { name: "Cancelled" })).toBeVisible();

  await expect(async () => {
    const { status } = await (await me.request.get(`/api/orders/${late.id}`)).json();
    expect(status).toBe("cancelled");
  }).toPass({ timeout: 150_000 });
  await me.page.goto(`/orders/${late.id}`);
  await expect(me.page.getByRole("heading", { name: "Expired" })).toBeVisible();
  await me.page.goto("/orders");
  await expect(me.page.getByRole("article").filter({ hasText: "Let go" })).toContainText(
    "Cancelled",
  );
  await expect(me.page.getByRole("article").filter({ hasText: "Left to" })).toContainText(
    "Expired",
  );
});
