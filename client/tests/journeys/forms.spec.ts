import { expect, PASSWORD, test } from "./fixtures";

test("sign-up form shows errors at their fields and keeps the input", async ({
  newSignedInUser,
  newVisitor,
}) => {
  const { email: usedEmail } = await newSignedInUser();
  const { page } = await newVisitor();
  await page.goto("/signup");
  const [email, password] = [page.getByLabel("Email"), page.getByLabel("Password")];
  const submit = page.getByRole("button", { name: "Sign up" });

  await email.fill("nobody");
  await password.fill("short");
  await submit.click();
  await expect(email).toHaveAccessibleDescription(/Enter an e-mail address/);
  await expect(email).toBeFocused();
  await expect(password).toHaveAccessibleDescription(/at least 8/);
  await expect(email).toHaveValue("nobody");
  await expect(password).toHaveValue("short");

  await email.clear();
  await email.fill(usedEmail);
  await password.fill(PASSWORD);
  await submit.click();
  await expect(email).toHaveAccessibleDescription(/already has an account/);
  await expect(password).not.toHaveAttribute("aria-invalid");
});

test("sign-in form shows one error for a wrong password, without naming the wrong field", async ({
  newSignedInUser,
}) => {
  const { page, email } = await newSignedInUser();
  await page.goto("/signin");
  await page.getByLabel("Email").fill(email);
  await page.getByLabel("Password").fill("wrong password");
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(
    page.getByRole("alert").filter({ hasText: "The email or the password is wrong." }),
  ).toBeVisible();
  await expect(page.getByLabel("Email")).toHaveValue(email);
});

test("forgot-password form requires an email address", async ({ newVisitor }) => {
  const { page } = await newVisitor();
  await page.goto("/forgot-password");
  await page.getByRole("button", { name: "Send reset link" }).click();
  await expect(page.getByLabel("Email")).toHaveAccessibleDescription("Enter your e-mail");
});

test("ticket form requires a title and a valid price", async ({ newSignedInUser }) => {
  const { page } = await newSignedInUser();
  await page.goto("/tickets/new");
  const [title, price] = [page.getByLabel("Title"), page.getByLabel("Price")];
  const submit = page.getByRole("button", { name: "List ticket" });

  await price.fill("1,500");
  await submit.click();
  await expect(title).toHaveAccessibleDescription(/Enter a title/);
  await expect(price).toHaveAccessibleDescription(/can mean 1500 or 1\.500/);
  await price.fill("0");
  await submit.click();
  await expect(title).toHaveAccessibleDescription(/Enter a title/);
  await expect(title).toBeFocused();
  await expect(price).toHaveAccessibleDescription(/between \$0\.50 and \$999,999\.99/);
});

test("ticket form shows an error while offline, and succeeds when online again", async ({
  newSignedInUser,
}) => {
  const { page } = await newSignedInUser();
  await page.goto("/tickets/new");
  await page.getByLabel("Title").fill("Sent twice");
  await page.getByLabel("Price").fill("5");
  await page.context().setOffline(true);
  await expect(page.getByText("You are offline.")).toBeVisible();
  await page.getByRole("button", { name: "List ticket" }).click();
  await expect(page.getByRole("alert").filter({ hasText: "could not reach" })).toBeVisible();

  await page.context().setOffline(false);
  await expect(page.getByText("You are offline.")).toHaveCount(0);
  await page.getByRole("button", { name: "List ticket" }).click();
  await expect(page.getByRole("heading", { name: "Sent twice" })).toBeVisible();
});
