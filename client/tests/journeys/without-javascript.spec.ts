import { expect, test } from "./fixtures";

test("ticket list can be searched, sorted and opened without JavaScript", async ({
  seller,
  newVisitor,
}) => {
  const word = `nojs${Date.now()}`;
  await seller.createTicket(`${word} cheap`, 1);
  await seller.createTicket(`${word} expensive`, 1000);
  const { page } = await newVisitor({ javaScriptEnabled: false });

  await page.goto("/");
  await page.getByLabel("Search tickets").fill(word);
  await page.getByRole("button", { name: "Search" }).click();
  await expect(page.getByRole("article")).toHaveCount(2);
  await page.getByRole("link", { name: "Lowest price" }).click();
  await expect(page.getByRole("article").first()).toContainText("$1.00");
  await page.getByRole("link", { name: `${word} cheap` }).click();
  await expect(page.getByRole("heading", { name: `${word} cheap` })).toBeVisible();
  await page.getByRole("link", { name: "Sign in to buy" }).click();
  expect(await page.content()).toContain("This form needs JavaScript");
});

test("order and ticket pages can be read without JavaScript", async ({
  newSignedInUser,
  newVisitor,
}) => {
  const user = await newSignedInUser();
  const ticket = await user.createTicket("Read without JavaScript", 12);
  const order = await user.orderTicket(ticket);
  await user.waitFor(`/api/tickets/${ticket.id}`, { orderId: order.id });
  const { page } = await newVisitor({
    javaScriptEnabled: false,
    storageState: await user.page.context().storageState(),
  });

  await page.goto(`/orders/${order.id}`);
  await expect(page.getByRole("heading", { name: "Reserved for you" })).toBeVisible();
  await expect(page.getByRole("timer")).toBeVisible();
  await page.goto("/tickets/mine");
  await expect(page.getByRole("article")).toContainText("Reserved or sold");
});
