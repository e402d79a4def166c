import { expect, test } from "./people";

test("without JavaScript one can look, search, sort and leaf through the list", async ({
  seller,
  visitor,
}) => {
  const word = `quiet${Date.now()}`;
  await seller.offer(`${word} cheap`, 1);
  await seller.offer(`${word} dear`, 1000);
  const { page } = await visitor({ javaScriptEnabled: false });

  await page.goto("/");
  await page.getByLabel("Search tickets").fill(word);
  await page.getByRole("button", { name: "Search" }).click();
  await expect(page.getByRole("article")).toHaveCount(2);
  await page.getByRole("link", { name: "Cheapest" }).click();
  await expect(page.getByRole("article").first()).toContainText("$1.00");
  await page.getByRole("link", { name: `${word} cheap` }).click();
  await expect(page.getByRole("heading", { name: `${word} cheap` })).toBeVisible();
  await page.getByRole("link", { name: "Sign in to buy" }).click();
  expect(await page.content()).toContain("This form needs JavaScript");
});

test("without JavaScript one's orders and tickets are there to read", async ({
  somebody,
  visitor,
}) => {
  const reader = await somebody();
  const ticket = await reader.offer("To read about", 12);
  const order = await reader.order(ticket);
  await reader.sees(`/api/tickets/${ticket.id}`, { orderId: order.id });
  const { page } = await visitor({
    javaScriptEnabled: false,
    storageState: await reader.page.context().storageState(),
  });

  await page.goto(`/orders/${order.id}`);
  await expect(page.getByRole("heading", { name: "Held for you" })).toBeVisible();
  await expect(page.getByRole("timer")).toBeVisible();
  await page.goto("/tickets/mine");
  await expect(page.getByRole("article")).toContainText("Held or sold");
});
