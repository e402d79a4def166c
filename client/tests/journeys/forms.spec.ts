import { expect, PASSWORD, test } from "./people";

test("sign up: errors stand beside their fields, and what was typed stays", async ({
  somebody,
  visitor,
}) => {
  const { email } = await somebody();
  const { page } = await visitor();
  await page.goto("/signup");
  const [mail, password] = [page.getByLabel("E-mail"), page.getByLabel("Password")];
  const send = page.getByRole("button", { name: "Sign up" });

  await mail.fill("nobody");
  await password.fill("short");
  await send.click();
  await expect(mail).toHaveAccessibleDescription(/must be valid/);
  await expect(mail).toBeFocused();
  await expect(password).toHaveAccessibleDescription(/at least 8/);
  await expect(mail).toHaveValue("nobody");
  await expect(password).toHaveValue("short");

  await mail.fill(email);
  await password.fill(PASSWORD);
  await send.click();
  await expect(mail).toHaveAccessibleDescription(/in use/);
  await expect(password).not.toHaveAttribute("aria-invalid");
});

test("sign in: a wrong password is told in one place, in words that give nothing away", async ({
  somebody,
}) => {
  const { page, email } = await somebody();
  await page.goto("/signin");
  await page.getByLabel("E-mail").fill(email);
  await page.getByLabel("Password").fill("not this one");
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("alert").filter({ hasText: "Invalid credentials" })).toBeVisible();
  await expect(page.getByLabel("E-mail")).toHaveValue(email);
});

test("forgot password: it wants an address", async ({ visitor }) => {
  const { page } = await visitor();
  await page.goto("/forgot-password");
  await page.getByRole("button", { name: "Send me a link" }).click();
  await expect(page.getByLabel("E-mail")).toHaveAccessibleDescription(/must be valid/);
});

test("sell: a title and a price that can be one", async ({ somebody }) => {
  const { page } = await somebody();
  await page.goto("/tickets/new");
  const [title, price] = [page.getByLabel("What is it for?"), page.getByLabel("Price")];
  const send = page.getByRole("button", { name: "Put it up for sale" });

  await price.fill("much");
  await send.click();
  await expect(price).toHaveAccessibleDescription(/Say a price/);
  await price.fill("0");
  await send.click();
  await expect(title).toHaveAccessibleDescription(/at least 1 character/);
  await expect(title).toBeFocused();
  await expect(price).toHaveAttribute("aria-invalid", "true");
});

test("a form that is sent without a connection says so, and goes through once it is back", async ({
  somebody,
}) => {
  const { page } = await somebody();
  await page.goto("/tickets/new");
  await page.getByLabel("What is it for?").fill("Sent twice");
  await page.getByLabel("Price").fill("5");
  await page.context().setOffline(true);
  await expect(page.getByText("You are offline.")).toBeVisible();
  await page.getByRole("button", { name: "Put it up for sale" }).click();
  await expect(page.getByRole("alert").filter({ hasText: "could not reach" })).toBeVisible();

  await page.context().setOffline(false);
  await expect(page.getByText("You are offline.")).toHaveCount(0);
  await page.getByRole("button", { name: "Put it up for sale" }).click();
  await expect(page.getByRole("heading", { name: "Sent twice" })).toBeVisible();
});
