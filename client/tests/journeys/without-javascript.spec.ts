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
  await page.getByRole("link", { name: "Price: low to high" }).click();
  await expect(page.getByRole("article").first()).toContainText("$1.00");
  await page.getByRole("link", { name: `${word} cheap` }).click();
  await expect(page.getByRole("heading", { name: `${word} cheap` })).toBeVisible();
  await page.getByRole("link", { name: "Sign in to buy" }).click();
  await expect(page.getByRole("heading", { name: "Sign in" })).toBeVisible();
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
  await expect(page.getByRole("article")).toContainText(/Reserved until \d\d:\d\d UTC/);
});

const MISSING_ID = "0123456789abcdef01234567";

for (const [name, path] of [
  ["a missing ticket", `/tickets/${MISSING_ID}`],
  ["a ticket id that cannot exist", "/tickets/x"],
  ["a path that is not UTF-8", "/tickets/%ff"],
  ["a path that is cut off", "/orders/%C3%28"],
  ["a path of no page", "/nowhere"],
] as const) {
  test(`page of ${name} shows "Page not found" with and without JavaScript`, async ({
    newVisitor,
  }) => {
    for (const javaScriptEnabled of [true, false]) {
      const { page } = await newVisitor({ javaScriptEnabled });
      const response = await page.goto(path);
      expect(response?.status()).toBe(404);
      await expect(page.getByRole("heading", { name: "Page not found" })).toBeVisible();
      await expect(page).toHaveTitle(/^Page not found/);
      await expect(page.getByRole("main")).toContainText(
        "The address may be wrong, or the ticket is no longer for sale.",
      );
    }
  });
}

test('pages that belong to somebody else show "Page not found" without JavaScript', async ({
  seller,
  newSignedInUser,
  newVisitor,
}) => {
  const user = await newSignedInUser();
  const order = await seller.orderTicket(await seller.createTicket("Not yours", 12));
  const ticket = await seller.createTicket("Not yours to edit", 12);
  const { page } = await newVisitor({
    javaScriptEnabled: false,
    storageState: await user.page.context().storageState(),
  });

  for (const path of [
    `/orders/${order.id}`,
    `/orders/${MISSING_ID}`,
    `/tickets/${ticket.id}/edit`,
  ]) {
    expect((await page.goto(path))?.status()).toBe(404);
    await expect(page.getByRole("heading", { name: "Page not found" })).toBeVisible();
    await expect(page.getByText(user.email)).toBeVisible();
  }
});
