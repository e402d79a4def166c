import type { Page } from "@playwright/test";
import { type ApiUser, type BrowserUser, expect, test } from "./fixtures";

const statusHeading = (page: Page, title: string) => page.getByRole("heading", { name: title });

/** Order a new ticket, open the page of the order, and return its id. */
async function openNewOrder(
  buyer: BrowserUser,
  seller: ApiUser,
  title = "Moonlight serenade",
): Promise<string> {
  const order = await buyer.orderTicket(await seller.createTicket(title, 42.5));
  await buyer.page.goto(`/orders/${order.id}`);
  return order.id;
}

test("new visitor can find a ticket, sign up and pay", async ({ seller, newVisitor }) => {
  const title = `First night ${Date.now()}`;
  await seller.createTicket(title, 42.5);
  const { page, email } = await newVisitor();

  await page.goto("/");
  await page.getByLabel("Search tickets").fill(title);
  await page.getByRole("button", { name: "Search" }).click();
  await page.getByRole("link", { name: title }).click();
  await page.getByRole("link", { name: "New here?" }).click();
  await page.getByLabel("Email").fill(email);
  await page.getByLabel("Password").fill("new password");
  await page.getByRole("button", { name: "Sign up" }).click();
  await page.getByRole("button", { name: "Buy for $42.50" }).click();
  await expect(statusHeading(page, "Reserved for you")).toBeVisible();
  await page.getByRole("button", { name: "Pay $42.50" }).click();
  await expect(statusHeading(page, "The ticket is yours")).toBeVisible();

  await page.getByRole("link", { name: "All my orders" }).click();
  await expect(page.getByRole("article").filter({ hasText: title })).toContainText(
    "The ticket is yours",
  );
});

test("ticket ordered by two users at once goes to one, and the other sees it", async ({
  seller,
  newSignedInUser,
}) => {
  const [firstBuyer, secondBuyer] = [await newSignedInUser(), await newSignedInUser()];
  const { id } = await seller.createTicket("Wanted by two buyers");
  const pages = [firstBuyer.page, secondBuyer.page];
  for (const page of pages) await page.goto(`/tickets/${id}`);

  const buttons = pages.map((page) => page.getByRole("button", { name: /^Buy/ }));
  for (const button of buttons) await expect(button).toBeEnabled();
  // The stream can remove the slower button before the click, so a missing button is fine.
  const clickAll = (elements: (HTMLElement | SVGElement)[]) => {
    for (const element of elements) (element as HTMLElement).click();
  };
  await Promise.all(buttons.map((button) => button.evaluateAll(clickAll)));

  const waitForOrder = (page: Page) =>
    statusHeading(page, "Reserved for you")
      .waitFor()
      .then(() => page);
  const winner = await Promise.any(pages.map(waitForOrder));
  const loser = pages.find((page) => page !== winner) as Page;
  await expect(loser.getByText(/^Reserved until/)).toBeVisible();
  await expect(loser.getByRole("button", { name: /^Buy/ })).toHaveCount(0);

  await winner.getByRole("button", { name: "Cancel order" }).click();
  const dialog = winner.getByRole("dialog", { name: "Cancel this order?" });
  await expect(dialog.getByRole("button", { name: "Keep order" })).toBeFocused();
  await winner.keyboard.press("Escape");
  await expect(dialog).toBeHidden();
  await expect(statusHeading(winner, "Reserved for you")).toBeVisible();
  await winner.keyboard.press("Enter"); // the button has the focus again
  await dialog.getByRole("button", { name: "Cancel order" }).click();
  await expect(statusHeading(winner, "Cancelled")).toBeVisible();
  await loser.getByRole("button", { name: /^Buy/ }).click();
  await expect(statusHeading(loser, "Reserved for you")).toBeVisible();
});

for (const [card, message] of [
  ["Declined", "Your card was declined."],
  ["Declined: insufficient funds", "Your card has insufficient funds."],
  ["Declined: expired card", "Your card has expired."],
  ["Declined: wrong security code", "Your card's security code is incorrect."],
  ["Declined: processing error", "An error occurred while processing your card."],
] as const) {
  test(`card "${card}" shows an error, and another card pays`, async ({
    seller,
    newSignedInUser,
  }) => {
    const buyer = await newSignedInUser();
    const { page } = buyer;
    await openNewOrder(buyer, seller);

    await page.locator("label").filter({ hasText: card }).first().click();
    await page.getByRole("button", { name: /^Pay / }).click();
    await expect(page.getByRole("alert").filter({ hasText: message })).toBeVisible();
    await page.reload();
    await expect(page.getByRole("alert").filter({ hasText: message })).toBeVisible();
    await buyer.pay();

    await expect(statusHeading(page, "The ticket is yours")).toBeVisible();
  });
}

test("card selected before hydration is the one that is charged", async ({
  seller,
  newSignedInUser,
}) => {
  const buyer = await newSignedInUser();
  const { page } = buyer;
  await page.route("**/_next/static/chunks/**", async (route) => {
    await new Promise((resolve) => setTimeout(resolve, 1500));
    await route.continue();
  });
  await openNewOrder(buyer, seller);

  await page.locator("label").filter({ hasText: "Declined: expired card" }).click();
  await page.getByRole("button", { name: /^Pay / }).click();

  await expect(page.getByRole("alert").filter({ hasText: "has expired." })).toBeVisible();
});

test("payment with 3-D Secure succeeds after the buyer approves it", async ({
  seller,
  newSignedInUser,
}) => {
  const buyer = await newSignedInUser();
  await openNewOrder(buyer, seller);

  await buyer.pay("3-D Secure");
  await buyer.page.getByRole("button", { name: "Approve" }).click();

  await expect(statusHeading(buyer.page, "The ticket is yours")).toBeVisible();
});

test("payment declined at the bank shows an error, and another card pays", async ({
  seller,
  newSignedInUser,
}) => {
  const buyer = await newSignedInUser();
  const { page } = buyer;
  await openNewOrder(buyer, seller);

  await buyer.pay("3-D Secure");
  await page.getByRole("button", { name: "Decline" }).click();
  await expect(statusHeading(page, "Reserved for you")).toBeVisible();
  await expect(page.getByRole("alert").filter({ hasText: /\w/ })).toBeVisible();
  await buyer.pay();

  await expect(statusHeading(page, "The ticket is yours")).toBeVisible();
});

test("buyer who leaves the bank can continue there or pay with another card", async ({
  seller,
  newSignedInUser,
}) => {
  const buyer = await newSignedInUser();
  const { page } = buyer;
  const id = await openNewOrder(buyer, seller);

  await buyer.pay("3-D Secure");
  await page.getByRole("button", { name: "Approve" }).waitFor();
  await page.goto(`/orders/${id}`);
  await expect(statusHeading(page, "Confirm your payment")).toBeVisible();
  await page.getByRole("button", { name: "Continue to your bank" }).click();
  await page.getByRole("button", { name: "Approve" }).waitFor();
  await page.goBack();
  await expect(statusHeading(page, "Confirm your payment")).toBeVisible();
  await buyer.pay();

  await expect(statusHeading(page, "The ticket is yours")).toBeVisible();
});

test("double click on Pay makes one payment", async ({ seller, newSignedInUser }) => {
  const buyer = await newSignedInUser();
  const { page } = buyer;
  const postUrls: string[] = [];
  page.on("request", (request) => request.method() === "POST" && postUrls.push(request.url()));
  const id = await openNewOrder(buyer, seller);

  await page.getByRole("button", { name: /^Pay / }).dblclick();
  await expect(statusHeading(page, "The ticket is yours")).toBeVisible();

  expect(postUrls.filter((url) => url.endsWith("/api/payments"))).toHaveLength(1);
  const payments = await (await page.request.get(`/api/payments?orderId=${id}`)).json();
  expect(payments).toHaveLength(1);
});

test("second tab and a reload during the payment show the same order", async ({
  seller,
  newSignedInUser,
}) => {
  const buyer = await newSignedInUser();
  const { page } = buyer;
  const id = await openNewOrder(buyer, seller);
  const secondTab = await page.context().newPage();
  await secondTab.goto(`/orders/${id}`);
  await expect(statusHeading(secondTab, "Reserved for you")).toBeVisible();

  // Reload right after the request was sent.
  await page.getByRole("button", { name: /^Pay / }).click({ noWaitAfter: true });
  await page.reload();

  await expect(statusHeading(page, "The ticket is yours")).toBeVisible();
  await expect(statusHeading(secondTab, "The ticket is yours")).toBeVisible();
});

test("unpaid order expires, and its ticket is for sale again", async ({
  seller,
  newSignedInUser,
}) => {
  const [buyer, otherUser] = [await newSignedInUser(), await newSignedInUser()];
  const ticket = await seller.createTicket("Never paid");
  const order = await buyer.orderTicket(ticket);
  await otherUser.page.goto(`/tickets/${ticket.id}`);
  await expect(otherUser.page.getByText(/^Reserved until/)).toBeVisible();
  await buyer.page.goto(`/orders/${order.id}`);
  await expect(buyer.page.getByRole("timer")).toHaveText(/^0:\d\d left to pay$/);

  await expect(statusHeading(buyer.page, "Expired")).toBeVisible({ timeout: 120_000 });
  await expect(otherUser.page.getByRole("button", { name: /^Buy/ })).toBeVisible();
});

test("Back from an order to its ticket shows the link to the order", async ({
  seller,
  newSignedInUser,
}) => {
  const buyer = await newSignedInUser();
  const { page } = buyer;
  const { id } = await seller.createTicket("Opened with Back");
  await page.goto(`/tickets/${id}`);
  await page.getByRole("button", { name: /^Buy/ }).click();
  await expect(statusHeading(page, "Reserved for you")).toBeVisible();

  await page.goBack();

  await expect(page.getByRole("link", { name: "Go to your order" })).toBeVisible();
});

test("Back to a list shows its current state", async ({ seller, newSignedInUser }) => {
  const buyer = await newSignedInUser();
  const { page } = buyer;
  await buyer.orderTicket(await seller.createTicket("Ordered before"));
  await buyer.createTicket("Listed before", 10);
  const row = page.getByRole("article");

  await page.goto("/orders");
  await expect(row).toContainText("Reserved for you");
  await page.getByRole("link", { name: "Ordered before" }).click();
  await buyer.pay();
  await expect(statusHeading(page, "The ticket is yours")).toBeVisible();
  await page.goBack();
  await expect(row).toContainText("The ticket is yours");

  await page.getByRole("link", { name: "My tickets" }).click();
  await page.getByRole("link", { name: "Listed before" }).click();
  await page.getByRole("link", { name: "Edit" }).click();
  await page.getByLabel("Price").fill("20");
  await page.getByRole("button", { name: "Save changes" }).click();
  await expect(page.getByText("$20.00")).toBeVisible();
  await page.goBack();
  await page.goBack();
  await page.goBack();
  await expect(page.getByRole("heading", { name: "My tickets" })).toBeVisible();
  await expect(row).toContainText("$20.00");
});

test("paid order prints as a receipt on one page", async ({ seller, newSignedInUser }) => {
  const buyer = await newSignedInUser();
  const { page, email } = buyer;
  const id = await openNewOrder(buyer, seller, "Printed on paper");
  await buyer.pay();
  await expect(page.getByRole("button", { name: "Print receipt" })).toBeVisible();

  await page.emulateMedia({ media: "print" });

  for (const text of ["Printed on paper", "$42.50", "Paid", id, email]) {
    await expect(page.getByRole("main").getByText(text, { exact: true })).toBeVisible();
  }
  for (const role of ["navigation", "button", "link"] as const) {
    await expect(page.getByRole("main").getByRole(role)).toHaveCount(0);
  }
  await expect(page.getByText(email)).toHaveCount(2);
  await expect(page.getByRole("banner").getByText(email)).toBeHidden();
  // An A4 page has 1,123 px.
  expect(await page.evaluate(() => document.documentElement.scrollHeight)).toBeLessThan(1123);
});

test("order of another user is not found", async ({ seller, newSignedInUser }) => {
  const [buyer, other] = [await newSignedInUser(), await newSignedInUser()];
  const id = await openNewOrder(buyer, seller);

  const answer = await other.page.goto(`/orders/${id}`);

  expect(answer?.status()).toBe(404);
  await expect(other.page.getByText("Page not found")).toBeVisible();
});
