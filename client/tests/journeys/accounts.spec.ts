import { expect, PASSWORD, test } from "./people";

test("after signing in one is back where one was going", async ({ somebody }) => {
  const { page, email } = await somebody();
  await page.goto("/");
  await page.getByRole("button", { name: "Sign out" }).click();
  await expect(page.getByRole("link", { name: "Sign in" })).toBeVisible();

  await page.goto("/tickets/new");
  await expect(page).toHaveURL(/\/signin\?next=/);
  await page.getByLabel("E-mail").fill(email);
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("button", { name: "Sign in" }).click();

  await expect(page.getByRole("heading", { name: "Sell a ticket" })).toBeVisible();
  await expect(page.getByText(email)).toBeVisible();
});

test("who buys when the session has ended signs in again, and is back at the ticket", async ({
  seller,
  somebody,
}) => {
  const { page, email } = await somebody();
  const { id } = await seller.offer("Bought at the second sitting");
  await page.goto(`/tickets/${id}`);
  await expect(page.getByRole("button", { name: /^Buy/ })).toBeEnabled();
  await page.context().clearCookies();
  await page.getByRole("button", { name: /^Buy/ }).click();
  await page.getByRole("link", { name: "Please sign in again" }).click();
  await expect(page.getByRole("button", { name: "Sign out" })).toHaveCount(0);
  await page.getByLabel("E-mail").fill(email);
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("button", { name: /^Buy/ }).click();

  await expect(page.getByRole("heading", { name: "Held for you" })).toBeVisible();
});

test("who signs in while searching is back at what was found", async ({ seller, somebody }) => {
  const { page, email } = await somebody();
  const word = `found${Date.now()}`;
  await seller.offer(word);
  await page.context().clearCookies();
  await page.goto(`/?q=${word}`);
  await page.getByRole("link", { name: "Sign in" }).click();
  await page.getByLabel("E-mail").fill(email);
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("button", { name: "Sign in" }).click();

  await expect(page.getByText(email)).toBeVisible();
  await expect(page.getByLabel("Search tickets")).toHaveValue(word);
});

test("signing in leads to no other site", async ({ somebody }) => {
  const { page, email } = await somebody();
  for (const elsewhere of ["https://example.org/", "//example.org", "/\\example.org"]) {
    await page.goto(`/signin?next=${encodeURIComponent(elsewhere)}`);
    await page.getByLabel("E-mail").fill(email);
    await page.getByLabel("Password").fill(PASSWORD);
    await page.getByRole("button", { name: "Sign in" }).click();
    await expect(page.getByRole("heading", { name: "Tickets on sale" })).toBeVisible();
  }
});

test("a forgotten password is chosen anew through the mail", async ({ somebody }) => {
  const { page, email } = await somebody();
  await page.context().clearCookies();
  await page.goto("/signin");
  await page.getByRole("link", { name: "Forgot your password?" }).click();
  await expect(page.getByRole("heading", { name: "Forgot your password?" })).toBeVisible();
  await page.getByLabel("E-mail").fill(email);
  await page.getByRole("button", { name: "Send me a link" }).click();
  await expect(page.getByText("a mail is on its way")).toBeVisible();

  const mailbox = `/dev/mail/?to=${encodeURIComponent(email)}`;
  const mail = page.getByRole("link", { name: "Choose a new password" });
  await expect(async () => {
    await page.goto(mailbox);
    await expect(mail).toBeVisible({ timeout: 500 });
  }).toPass();
  await mail.click();
  const link = await page.getByRole("link", { name: /reset-password/ }).getAttribute("href");
  await page.goto(link ?? "");

  await page.getByLabel("New password").fill("another password");
  await page.getByLabel("The same again").fill("a different one");
  await page.getByRole("button", { name: "Set the new password" }).click();
  await expect(page.getByText("Passwords must match")).toBeVisible();
  await expect(page.getByLabel("The same again")).toBeFocused();
  await page.getByLabel("The same again").fill("another password");
  await page.getByRole("button", { name: "Set the new password" }).click();
  await expect(page.getByText("Your new password is set.")).toBeVisible();

  await page.goto(link ?? "");
  await expect(page.getByText("This link does not work any more")).toBeVisible();
  await page.goto("/signin");
  await page.getByLabel("E-mail").fill(email);
  await page.getByLabel("Password").fill("another password");
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByText(email)).toBeVisible();
});
