import { expect, PASSWORD, test } from "./fixtures";

test("sign-in returns to the page that the visitor wanted", async ({ newSignedInUser }) => {
  const { page, email } = await newSignedInUser();
  await page.goto("/");
  await page.getByRole("button", { name: "Sign out" }).click();
  await expect(page.getByRole("link", { name: "Sign in" })).toBeVisible();

  await page.goto("/tickets/new");
  await expect(page).toHaveURL(/\/signin\?next=/);
  await page.getByLabel("Email").fill(email);
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("button", { name: "Sign in" }).click();

  await expect(page.getByRole("heading", { name: "Sell a ticket" })).toBeVisible();
  await expect(page.getByText(email)).toBeVisible();
});

test("sign-in after the end of the session returns to the ticket", async ({
  seller,
  newSignedInUser,
}) => {
  const { page, email } = await newSignedInUser();
  const { id } = await seller.createTicket("Bought after signing in again");
  await page.goto(`/tickets/${id}`);
  await expect(page.getByRole("button", { name: /^Buy/ })).toBeEnabled();
  await page.context().clearCookies();
  await page.getByRole("button", { name: /^Buy/ }).click();
  await page.getByRole("link", { name: "Please sign in again" }).click();
  await expect(page.getByRole("button", { name: "Sign out" })).toHaveCount(0);
  await page.getByLabel("Email").fill(email);
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("button", { name: /^Buy/ }).click();

  await expect(page.getByRole("heading", { name: "Reserved for you" })).toBeVisible();
});

test("sign-in returns to the search results", async ({ seller, newSignedInUser }) => {
  const { page, email } = await newSignedInUser();
  const word = `search${Date.now()}`;
  await seller.createTicket(word);
  await page.context().clearCookies();
  await page.goto(`/?q=${word}`);
  await page.getByRole("link", { name: "Sign in" }).click();
  await page.getByLabel("Email").fill(email);
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("button", { name: "Sign in" }).click();

  await expect(page.getByText(email)).toBeVisible();
  await expect(page.getByLabel("Search tickets")).toHaveValue(word);
});

test("sign-in does not redirect to another site", async ({ newSignedInUser }) => {
  const { page, email } = await newSignedInUser();
  for (const externalUrl of ["https://example.org/", "//example.org", "/\\example.org"]) {
    await page.goto(`/signin?next=${encodeURIComponent(externalUrl)}`);
    await page.getByLabel("Email").fill(email);
    await page.getByLabel("Password").fill(PASSWORD);
    await page.getByRole("button", { name: "Sign in" }).click();
    await expect(page.getByRole("heading", { name: "Tickets for sale" })).toBeVisible();
  }
});

test("password reset works with the link of the email", async ({ newSignedInUser }) => {
  const { page, email } = await newSignedInUser();
  await page.context().clearCookies();
  await page.goto("/signin");
  await page.getByRole("link", { name: "Forgot your password?" }).click();
  await expect(page.getByRole("heading", { name: "Forgot your password?" })).toBeVisible();
  await page.getByLabel("Email").fill(email);
  await page.getByRole("button", { name: "Send reset link" }).click();
  await expect(page.getByText("we are sending an email")).toBeVisible();

  const mailbox = `/dev/mail/?to=${encodeURIComponent(email)}`;
  const mail = page.getByRole("link", { name: "Reset your password" });
  await expect(async () => {
    await page.goto(mailbox);
    await expect(mail).toBeVisible({ timeout: 500 });
  }).toPass();
  await mail.click();
  const link = await page.getByRole("link", { name: /reset-password/ }).getAttribute("href");
  await page.goto(link ?? "");

  await page.getByLabel("New password").fill("another password");
  await page.getByLabel("Repeat password").fill("a different one");
  await page.getByRole("button", { name: "Save new password" }).click();
  await expect(page.getByText("Passwords must match")).toBeVisible();
  await expect(page.getByLabel("Repeat password")).toBeFocused();
  await page.getByLabel("Repeat password").fill("another password");
  await page.getByRole("button", { name: "Save new password" }).click();
  await expect(page.getByText("Your new password is saved.")).toBeVisible();

  await page.goto(link ?? "");
  await expect(page.getByText("This link is no longer valid.")).toBeVisible();
  await page.goto("/signin");
  await page.getByLabel("Email").fill(email);
  await page.getByLabel("Password").fill("another password");
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByText(email)).toBeVisible();
});
