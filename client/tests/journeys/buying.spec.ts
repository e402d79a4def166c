import { expect, test } from "./people";

test("a first-time visitor finds a ticket, signs up, pays and has it", async ({
  somebody,
  visitor,
}) => {
  const seller = await somebody();
  const ticket = await seller.offer("Moonlight serenade", 42.5);
  const { page, email } = await visitor();

  await page.goto("/?q=moonlight");
  await page.getByRole("link", { name: "Moonlight serenade" }).first().click();
  await page.getByRole("link", { name: "New here?" }).click();
  await page.getByLabel("E-mail").fill(email);
  await page.getByLabel("Password").fill("to buy with");
  await page.getByRole("button", { name: "Sign up" }).click();
  await expect(page).toHaveURL(/\/tickets\//);
  await page.getByRole("button", { name: "Buy for $42.50" }).click();
  await expect(page.getByText("Held for you")).toBeVisible();
  await page.getByRole("button", { name: "Pay $42.50" }).click();
  await expect(page.getByRole("heading", { name: "It is yours" })).toBeVisible();
  expect(ticket.id).toBeTruthy();
});
