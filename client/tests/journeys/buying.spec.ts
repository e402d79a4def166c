import type { Page } from "@playwright/test";
import { expect, type Person, type Trader, test } from "./people";

const status = (page: Page, title: string) => page.getByRole("heading", { name: title });

/** An order of a new ticket, its page open. */
async function holding(
  buyer: Person,
  seller: Trader,
  title = "Moonlight serenade",
): Promise<string> {
  const order = await buyer.order(await seller.offer(title, 42.5));
  await buyer.page.goto(`/orders/${order.id}`);
  return order.id;
}

test("a first-time visitor finds a ticket, signs up, pays and has it", async ({
  seller,
  visitor,
}) => {
  const title = `First night ${Date.now()}`;
  await seller.offer(title, 42.5);
  const { page, email } = await visitor();

  await page.goto("/");
  await page.getByLabel("Search tickets").fill(title);
  await page.getByRole("button", { name: "Search" }).click();
  await page.getByRole("link", { name: title }).click();
  await page.getByRole("link", { name: "New here?" }).click();
  await page.getByLabel("E-mail").fill(email);
  await page.getByLabel("Password").fill("to buy with");
  await page.getByRole("button", { name: "Sign up" }).click();
  await page.getByRole("button", { name: "Buy for $42.50" }).click();
  await expect(status(page, "Held for you")).toBeVisible();
  await page.getByRole("button", { name: "Pay $42.50" }).click();
  await expect(status(page, "It is yours")).toBeVisible();

  await page.getByRole("link", { name: "All my orders" }).click();
  await expect(page.getByRole("article").filter({ hasText: title })).toContainText("Yours");
});

test("of two people who want the same ticket one gets it, and the other is told", async ({
  seller,
  somebody,
}) => {
  const [ada, ben] = [await somebody(), await somebody()];
  const { id } = await seller.offer("One seat only");
  const both = [ada.page, ben.page];
  for (const page of both) await page.goto(`/tickets/${id}`);

  const buttons = both.map((page) => page.getByRole("button", { name: /^Buy/ }));
  for (const button of buttons) await expect(button).toBeEnabled();
  // For the slower one it can be gone before it is pressed: only one that is there is.
  const press = (found: (HTMLElement | SVGElement)[]) => {
    for (const button of found) (button as HTMLElement).click();
  };
  await Promise.all(buttons.map((button) => button.evaluateAll(press)));

  const held = (page: Page) =>
    status(page, "Held for you")
      .waitFor()
      .then(() => page);
  const winner = await Promise.any(both.map(held));
  const loser = both.find((page) => page !== winner) as Page;
  await expect(loser.getByText("Somebody else has it.")).toBeVisible();
  await expect(loser.getByRole("button", { name: /^Buy/ })).toHaveCount(0);

  await winner.getByRole("button", { name: "Cancel this order" }).click();
  await expect(status(winner, "Cancelled")).toBeVisible();
  await loser.getByRole("button", { name: /^Buy/ }).click();
  await expect(status(loser, "Held for you")).toBeVisible();
});

for (const [does, said] of [
  ["Declined", "Your card was declined."],
  ["Declined: insufficient funds", "Your card has insufficient funds."],
  ["Declined: expired card", "Your card has expired."],
  ["Declined: wrong security code", "Your card's security code is incorrect."],
  ["Declined: processing error", "An error occurred while processing your card."],
] as const) {
  test(`a card that is ${does.toLowerCase()} says so, and another one pays`, async ({
    seller,
    somebody,
  }) => {
    const buyer = await somebody();
    const { page } = buyer;
    await holding(buyer, seller);

    await page.locator("label").filter({ hasText: does }).first().click();
    await page.getByRole("button", { name: /^Pay / }).click();
    await expect(page.getByRole("alert").filter({ hasText: said })).toBeVisible();
    await page.reload();
    await expect(page.getByRole("alert").filter({ hasText: said })).toBeVisible();
    await buyer.pay();

    await expect(status(page, "It is yours")).toBeVisible();
  });
}

test("a card that is chosen while the page is still starting is the one that is charged", async ({
  seller,
  somebody,
}) => {
  const buyer = await somebody();
  const { page } = buyer;
  await page.route("**/_next/static/chunks/**", async (route) => {
    await new Promise((go) => setTimeout(go, 1500));
    await route.continue();
  });
  await holding(buyer, seller);

  await page.locator("label").filter({ hasText: "Declined: expired card" }).click();
  await page.getByRole("button", { name: /^Pay / }).click();

  await expect(page.getByRole("alert").filter({ hasText: "has expired." })).toBeVisible();
});

test("a payment that the bank wants confirmed is paid once it is approved", async ({
  seller,
  somebody,
}) => {
  const buyer = await somebody();
  await holding(buyer, seller);

  await buyer.pay("3-D Secure");
  await buyer.page.getByRole("button", { name: "Approve" }).click();

  await expect(status(buyer.page, "It is yours")).toBeVisible();
});

test("one who declines at the bank is told, and can pay with another card", async ({
  seller,
  somebody,
}) => {
  const buyer = await somebody();
  const { page } = buyer;
  await holding(buyer, seller);

  await buyer.pay("3-D Secure");
  await page.getByRole("button", { name: "Decline" }).click();
  await expect(status(page, "Held for you")).toBeVisible();
  await expect(page.getByRole("alert").filter({ hasText: /\w/ })).toBeVisible();
  await buyer.pay();

  await expect(status(page, "It is yours")).toBeVisible();
});

test("one who turns back at the bank can go on there, or pay with another card", async ({
  seller,
  somebody,
}) => {
  const buyer = await somebody();
  const { page } = buyer;
  const id = await holding(buyer, seller);

  await buyer.pay("3-D Secure");
  await page.getByRole("button", { name: "Approve" }).waitFor();
  await page.goto(`/orders/${id}`);
  await expect(status(page, "Confirming with your bank")).toBeVisible();
  await page.getByRole("button", { name: "Continue to your bank" }).click();
  await page.getByRole("button", { name: "Approve" }).waitFor();
  await page.goBack();
  await expect(status(page, "Confirming with your bank")).toBeVisible();
  await buyer.pay();

  await expect(status(page, "It is yours")).toBeVisible();
});

test("who presses twice pays once", async ({ seller, somebody }) => {
  const buyer = await somebody();
  const { page } = buyer;
  const asked: string[] = [];
  page.on("request", (request) => request.method() === "POST" && asked.push(request.url()));
  const id = await holding(buyer, seller);

  await page.getByRole("button", { name: /^Pay / }).dblclick();
  await expect(status(page, "It is yours")).toBeVisible();

  expect(asked.filter((url) => url.endsWith("/api/payments"))).toHaveLength(1);
  const payments = await (await page.request.get(`/api/payments?orderId=${id}`)).json();
  expect(payments).toHaveLength(1);
});

test("a second tab and a reload in the middle show the same order", async ({
  seller,
  somebody,
}) => {
  const buyer = await somebody();
  const { page } = buyer;
  const id = await holding(buyer, seller);
  const second = await page.context().newPage();
  await second.goto(`/orders/${id}`);
  await expect(status(second, "Held for you")).toBeVisible();

  // The page goes away just when the payment has been sent.
  await page.getByRole("button", { name: /^Pay / }).click({ noWaitAfter: true });
  await page.reload();

  await expect(status(page, "It is yours")).toBeVisible();
  await expect(status(second, "It is yours")).toBeVisible();
});

test("an order that nobody pays ends by itself, and its ticket is on sale again", async ({
  seller,
  somebody,
}) => {
  const [buyer, onlooker] = [await somebody(), await somebody()];
  const ticket = await seller.offer("Not taken in the end");
  const order = await buyer.order(ticket);
  await onlooker.page.goto(`/tickets/${ticket.id}`);
  await expect(onlooker.page.getByText("Somebody else has it.")).toBeVisible();
  await buyer.page.goto(`/orders/${order.id}`);
  await expect(buyer.page.getByRole("timer")).toHaveText(/^0:\d\d left to pay$/);

  await expect(status(buyer.page, "Expired")).toBeVisible({ timeout: 120_000 });
  await expect(onlooker.page.getByRole("button", { name: /^Buy/ })).toBeVisible();
});

test("Back from an order to its ticket tells whose it is", async ({ seller, somebody }) => {
  const buyer = await somebody();
  const { page } = buyer;
  const { id } = await seller.offer("There and back");
  await page.goto(`/tickets/${id}`);
  await page.getByRole("button", { name: /^Buy/ }).click();
  await expect(status(page, "Held for you")).toBeVisible();

  await page.goBack();

  await expect(page.getByRole("link", { name: "Go to your order" })).toBeVisible();
});

test("Back to one's orders and tickets tells how they stand now", async ({ seller, somebody }) => {
  const buyer = await somebody();
  const { page } = buyer;
  await buyer.order(await seller.offer("Paid meanwhile"));
  await buyer.offer("Sold at one price", 10);
  const row = page.getByRole("article");

  await page.goto("/orders");
  await expect(row).toContainText("Held for you");
  await page.getByRole("link", { name: "Paid meanwhile" }).click();
  await buyer.pay();
  await expect(status(page, "It is yours")).toBeVisible();
  await page.goBack();
  await expect(row).toContainText("Yours");

  await page.getByRole("link", { name: "My tickets" }).click();
  await page.getByRole("link", { name: "Sold at one price" }).click();
  await page.getByRole("link", { name: "Edit" }).click();
  await page.getByLabel("Price").fill("20");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByText("$20.00")).toBeVisible();
  await page.goBack();
  await page.goBack();
  await page.goBack();
  await expect(page.getByRole("heading", { name: "My tickets" })).toBeVisible();
  await expect(row).toContainText("$20.00");
});

test("nobody sees an order of somebody else's", async ({ seller, somebody }) => {
  const [buyer, other] = [await somebody(), await somebody()];
  const id = await holding(buyer, seller);

  const answer = await other.page.goto(`/orders/${id}`);

  expect(answer?.status()).toBe(404);
  await expect(other.page.getByText("There is nothing here")).toBeVisible();
});
