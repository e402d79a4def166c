import { expect, test } from "./people";

test("a ticket is put up for sale, changed and withdrawn", async ({ somebody }) => {
  const { page } = await somebody();
  await page.goto("/tickets/new");
  await page.getByLabel("What is it for?").fill("A chamber concert");
  await page.getByLabel("Price").fill("19,50");
  await page.getByRole("button", { name: "Put it up for sale" }).click();
  await expect(page.getByRole("heading", { name: "A chamber concert" })).toBeVisible();
  await expect(page.getByText("$19.50")).toBeVisible();

  await page.getByRole("link", { name: "Edit" }).click();
  await page.getByLabel("Price").fill("18");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByText("$18.00")).toBeVisible();

  await page.getByRole("button", { name: "Delete" }).dblclick();
  await expect(page.getByRole("button", { name: "Delete" })).toBeVisible();
  await page.getByRole("button", { name: "Delete" }).click();
  await page.getByRole("button", { name: "Yes, delete it" }).click();
  await expect(page.getByRole("heading", { name: "My tickets" })).toBeVisible();
  await expect(page.getByText("A chamber concert")).toHaveCount(0);
});

test("while a buyer has it its seller is told, and can change nothing", async ({ somebody }) => {
  const [seller, buyer] = [await somebody(), await somebody()];
  const ticket = await seller.offer("Watched by its seller");
  await seller.page.goto(`/tickets/${ticket.id}`);
  await expect(seller.page.getByRole("link", { name: "Edit" })).toBeVisible();

  await buyer.order(ticket);

  await expect(seller.page.getByText("A buyer has it.")).toBeVisible();
  await expect(seller.page.getByRole("link", { name: "Edit" })).toHaveCount(0);
});

test("the list changes while one looks at it", async ({ seller, somebody, visitor }) => {
  const [buyer, { page }] = [await somebody(), await visitor()];
  const word = `live${Date.now()}`;
  const first = await seller.offer(`${word} one`);
  await page.goto(`/?q=${word}`);
  const card = page.getByRole("article").filter({ hasText: `${word} one` });
  await expect(card).toBeVisible();

  const order = await buyer.order(first);
  await expect(card).toContainText("Just taken");
  await buyer.request.delete(`/api/orders/${order.id}`);
  await expect(card).not.toContainText("Just taken");
  await seller.request.put(`/api/tickets/${first.id}`, {
    data: { title: `${word} one`, price: 99 },
  });
  await expect(card).toContainText("$99.00");

  await seller.offer(`${word} two`);
  await page.getByRole("button", { name: "Show 1 new ticket" }).click();
  await expect(page.getByRole("article")).toHaveCount(2);
  await expect(page.getByRole("article").first()).toContainText(`${word} two`);
});

test("a list goes on over pages, and sorts, and Back leads back", async ({ seller, visitor }) => {
  const { page } = await visitor();
  const word = `many${Date.now()}`;
  for (let price = 1; price <= 24; price++) await seller.offer(word, price);
  const { id } = await seller.offer(word, 25);

  await page.goto(`/?q=${word}`);
  await page.getByRole("link", { name: "Cheapest" }).click();
  await expect(page.getByRole("article").first()).toContainText("$1.00");
  await page.getByRole("link", { name: "More tickets" }).click();
  await expect(page.getByRole("article")).toHaveCount(1);
  await expect(page.getByRole("article")).toContainText("$25.00");
  await page.goBack();
  await expect(page.getByRole("article")).toHaveCount(24);

  await page.goForward();
  await expect(page.getByRole("article")).toHaveCount(1);
  await seller.request.delete(`/api/tickets/${id}`);
  await page.reload();
  await expect(page.getByText("Nothing is left on this page.")).toBeVisible();
  await page.getByRole("link", { name: "See the first one" }).click();
  await expect(page.getByRole("article")).toHaveCount(24);
  await expect(page.getByRole("article").first()).toContainText("$1.00");
});
