import { expect, test } from "./fixtures";

test("seller can list, edit and delete a ticket", async ({ newSignedInUser }) => {
  const { page } = await newSignedInUser();
  await page.goto("/tickets/new");
  await page.getByLabel("Title").fill("A chamber concert");
  await page.getByLabel("Price").fill("19,50");
  await page.getByRole("button", { name: "List ticket" }).click();
  await expect(page.getByRole("heading", { name: "A chamber concert" })).toBeVisible();
  await expect(page.getByText("$19.50")).toBeVisible();

  await page.getByRole("link", { name: "Edit" }).click();
  await page.getByLabel("Price").fill("18");
  await page.getByRole("button", { name: "Save changes" }).click();
  await expect(page.getByText("$18.00")).toBeVisible();

  await page.getByRole("button", { name: "Delete" }).dblclick();
  const dialog = page.getByRole("dialog", { name: "Delete this ticket?" });
  await expect(dialog).toBeVisible();
  await dialog.getByRole("button", { name: "Keep ticket" }).click();
  await expect(dialog).toBeHidden();
  await page.getByRole("button", { name: "Delete" }).click();
  await dialog.getByRole("button", { name: "Delete ticket" }).click();
  await expect(page.getByRole("heading", { name: "My tickets" })).toBeVisible();
  await expect(page.getByText("A chamber concert")).toHaveCount(0);
});

test("seller sees that a ticket is ordered, and cannot edit it", async ({ newSignedInUser }) => {
  const [seller, buyer] = [await newSignedInUser(), await newSignedInUser()];
  const ticket = await seller.createTicket("Ordered while the seller watches");
  await seller.page.goto(`/tickets/${ticket.id}`);
  await expect(seller.page.getByRole("link", { name: "Edit" })).toBeVisible();

  await buyer.orderTicket(ticket);

  await expect(seller.page.getByText(/^Reserved until/)).toBeVisible();
  await expect(seller.page.getByRole("link", { name: "Edit" })).toHaveCount(0);
});

test("ticket list updates while it is shown", async ({ seller, newSignedInUser, newVisitor }) => {
  const [buyer, { page }] = [await newSignedInUser(), await newVisitor()];
  const word = `live${Date.now()}`;
  const first = await seller.createTicket(`${word} one`);
  await page.goto(`/?q=${word}`);
  const card = page.getByRole("article").filter({ hasText: `${word} one` });
  await expect(card).toBeVisible();

  const order = await buyer.orderTicket(first);
  await expect(card).toContainText("Reserved until");
  await buyer.request.delete(`/api/orders/${order.id}`);
  await expect(card).not.toContainText("Reserved until");
  await seller.request.put(`/api/tickets/${first.id}`, {
    data: { title: `${word} one`, price: 99 },
  });
  await expect(card).toContainText("$99.00");

  await seller.createTicket(`${word} two`);
  await page.getByRole("button", { name: "Show 1 new ticket" }).click();
  await expect(page.getByRole("article")).toHaveCount(2);
  await expect(page.getByRole("article").first()).toContainText(`${word} two`);
});

test("ticket list has pages, a sort order, and works with Back", async ({ seller, newVisitor }) => {
  const { page } = await newVisitor();
  const word = `many${Date.now()}`;
  for (let price = 1; price <= 24; price++) await seller.createTicket(word, price);
  const { id } = await seller.createTicket(word, 25);

  await page.goto(`/?q=${word}`);
  await page.getByRole("link", { name: "Price: low to high" }).click();
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
  await expect(page.getByText("There is nothing on this page any more.")).toBeVisible();
  await page.getByRole("link", { name: "Go to the first page" }).click();
  await expect(page.getByRole("article")).toHaveCount(24);
  await expect(page.getByRole("article").first()).toContainText("$1.00");
});
