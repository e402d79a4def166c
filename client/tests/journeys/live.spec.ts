import type { BrowserContext, Page } from "@playwright/test";
import { expect, PASSWORD, test } from "./fixtures";

const statusHeading = (page: Page, title: string) => page.getByRole("heading", { name: title });

async function pressEnter(page: Page, name: RegExp | string): Promise<void> {
  const button = page.getByRole("button", { name });
  await expect(button).toBeEnabled();
  await button.focus();
  await page.keyboard.press("Enter");
}

test("seven windows of the front page share one connection, and all of them work", async ({
  seller,
  newSignedInUser,
}) => {
  const { page } = await newSignedInUser();
  const word = `seven${Date.now()}`;
  const ticket = await seller.createTicket(word);
  const windows = [page];
  while (windows.length < 7) windows.push(await page.context().newPage());
  for (const window of windows) await window.goto(`/?q=${word}`);

  await seller.request.put(`/api/tickets/${ticket.id}`, { data: { title: word, price: 99 } });

  for (const window of windows) await expect(window.getByText("$99.00")).toBeVisible();
  const seventh = windows[6] as Page;
  await seventh.getByRole("link", { name: word }).click();
  await expect(seventh.getByRole("button", { name: /^Buy/ })).toBeEnabled();
});

test("My orders and My tickets follow what happens in other tabs", async ({
  seller,
  newSignedInUser,
}) => {
  const user = await newSignedInUser();
  const orders = user.page;
  const tickets = await orders.context().newPage();
  await orders.goto("/orders");
  await tickets.goto("/tickets/mine");

  const order = await user.orderTicket(await seller.createTicket("Bought in another tab"));
  const row = orders.getByRole("article").filter({ hasText: "Bought in another tab" });
  await expect(row).toContainText("Reserved for you");
  await user.post("/api/payments", { orderId: order.id, token: "pm_card_visa" });
  await expect(row).toContainText("The ticket is yours");

  const ticket = await user.createTicket("Listed in another tab");
  const card = tickets.getByRole("article").filter({ hasText: "Listed in another tab" });
  await expect(card).toBeVisible();
  await seller.orderTicket(ticket);
  await expect(card).toContainText("Reserved");
});

test("order page counts down and follows the stream while its payment request is slow", async ({
  seller,
  newSignedInUser,
}) => {
  const buyer = await newSignedInUser();
  const { page } = buyer;
  const order = await buyer.orderTicket(await seller.createTicket("Paid slowly"));
  let release = () => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  await page.route("**/api/payments", async (route) => {
    if (route.request().method() === "POST") await released;
    await route.continue();
  });
  await page.goto(`/orders/${order.id}`);
  await pressEnter(page, /^Pay /);

  await expect(statusHeading(page, "Processing your payment")).toBeVisible();
  await expect(page.getByRole("button", { name: /^Pay / })).toBeFocused();
  const time = await page.getByRole("timer").textContent();
  await expect(page.getByRole("timer")).not.toHaveText(time as string);
  await buyer.request.delete(`/api/orders/${order.id}`);
  await expect(statusHeading(page, "Cancelled")).toBeVisible();
  await expect(page.getByRole("status").filter({ hasText: "Cancelled" })).toBeFocused();
  release();
});

test("focus follows the keyboard from Buy to the order, a declined payment and Cancel", async ({
  seller,
  newSignedInUser,
}) => {
  const { page } = await newSignedInUser();
  const { id } = await seller.createTicket("Bought by keyboard");
  await page.goto(`/tickets/${id}`);
  await pressEnter(page, /^Buy/);
  await expect(page.getByRole("heading", { name: "Bought by keyboard" })).toBeFocused();

  await page.locator("label").filter({ hasText: "Declined: expired card" }).click();
  await pressEnter(page, /^Pay /);
  await expect(page.getByRole("alert").filter({ hasText: "expired" })).toBeVisible();
  await expect(page.getByRole("button", { name: /^Pay / })).toBeFocused();

  await pressEnter(page, "Cancel order");
  await page.getByRole("dialog").getByRole("button", { name: "Cancel order" }).press("Enter");
  await expect(page.getByRole("status").filter({ hasText: "Cancelled" })).toBeFocused();
});

test("slow navigation shows a mark until the page is there", async ({ newSignedInUser }) => {
  const { page } = await newSignedInUser();
  await page.goto("/");
  let release = () => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  await page.route("**/orders?_rsc=*", async (route) => {
    await released;
    await route.continue();
  });
  await page.getByRole("link", { name: "My orders" }).click();
  await expect(page.getByRole("progressbar", { name: "Loading" })).toBeVisible();
  release();

  await expect(page.getByRole("heading", { name: "My orders" })).toBeVisible();
  await expect(page.getByRole("progressbar", { name: "Loading" })).toHaveCount(0);
});

/** Sign in as another user, in a tab or without any. */
const signIn = {
  "in another tab": async (context: BrowserContext, email: string) => {
    const tab = await context.newPage();
    await tab.goto("/signin");
    await tab.getByLabel("Email").fill(email);
    await tab.getByLabel("Password").fill(PASSWORD);
    await tab.getByRole("button", { name: "Sign in" }).click();
    await expect(tab.getByText(email)).toBeVisible();
  },
  "without a word to the tabs": async (context: BrowserContext, email: string) => {
    await context.request.post("/api/users/signin", { data: { email, password: PASSWORD } });
  },
};

for (const [how, signInAs] of Object.entries(signIn)) {
  test(`tab shows one user only after another one signs in ${how}`, async ({
    seller,
    newSignedInUser,
  }) => {
    const [first, second] = [await newSignedInUser(), await newSignedInUser()];
    await first.orderTicket(await seller.createTicket("Of the first user"));
    await second.orderTicket(await seller.createTicket("Of the second user"));
    const { page } = first;
    await page.goto("/tickets/mine");
    await expect(page.getByText(first.email)).toBeVisible();

    await signInAs(page.context(), second.email);
    if (how === "without a word to the tabs") {
      await page.getByRole("link", { name: "My orders" }).click();
      await expect(page.getByText("Of the second user")).toBeVisible();
    }

    await expect(page.getByText(second.email)).toBeVisible();
    await expect(page.getByText(first.email)).toHaveCount(0);
    await expect(page.getByText("Of the first user")).toHaveCount(0);
  });
}

test("tab of a signed-in user becomes a visitor's after a sign-out in another tab", async ({
  newSignedInUser,
}) => {
  const { page, email } = await newSignedInUser();
  await page.goto("/orders");
  const other = await page.context().newPage();
  await other.goto("/");
  await other.getByRole("button", { name: "Sign out" }).click();

  await expect(page.getByRole("heading", { name: "Sign in" })).toBeVisible();
  await expect(page.getByText(email)).toHaveCount(0);
  const personalPage = await page.request.get("/orders", { maxRedirects: 0 });
  expect(personalPage.headers()["cache-control"]).toContain("no-store");
});
