import { ApiProxy } from "./api-proxy";
import { ClientServer } from "./client-server";
import { expect, test } from "./fixtures";
import { layoutShift } from "./layout-shift";

test("a ticket listed after a shared page was rendered arrives by the stream", async ({
  seller,
  newVisitor,
}) => {
  const word = `shared${Date.now()}`;
  const { page } = await newVisitor();
  const path = `/?q=${word}`;
  // The page of the second request is the one of the first, without the ticket.
  await page.request.get(path);
  await seller.createTicket(word);
  await page.goto(path);

  const showNew = page.getByRole("button", { name: "Show 1 new ticket" });
  await expect(showNew.or(page.getByRole("link", { name: word })).first()).toBeVisible();
  if (await showNew.isVisible()) await showNew.click();
  await expect(page.getByRole("link", { name: word })).toBeVisible();
});

test("visitors share a page with a nonce each, and signed-in users never get it", async ({
  newVisitor,
  newSignedInUser,
}) => {
  const [visitor, user] = [await newVisitor(), await newSignedInUser()];
  const nonceOf = (html: string) => /<script[^>]* nonce="([^"]+)"/.exec(html)?.[1];
  const responses = await Promise.all([1, 2, 3].map(() => visitor.page.request.get("/")));

  const nonces = await Promise.all(responses.map(async (page) => nonceOf(await page.text())));
  expect(new Set(nonces).size).toBe(3);
  for (const [index, response] of responses.entries()) {
    expect(response.headers()["content-security-policy"]).toContain(`'nonce-${nonces[index]}'`);
    expect(response.headers()["set-cookie"]).toBeUndefined();
  }
  expect(await (await user.page.request.get("/")).text()).toContain(user.email);
  expect(await (await visitor.page.request.get("/")).text()).not.toContain(user.email);
});

test("while the API is slow, a signed-in user gets the page before its data, which move nothing", async ({
  seller,
  newSignedInUser,
}) => {
  const { page } = await newSignedInUser();
  const title = `Slow to come ${Date.now()}`;
  await seller.createTicket(title);
  let release = () => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  const proxy = new ApiProxy(undefined, released);
  const client = await ClientServer.start({ API_URL: await proxy.start() });
  try {
    await page.goto(client.url, { waitUntil: "commit" });

    await expect(page.getByRole("link", { name: "Sell a ticket" })).toBeVisible();
    await expect(page.getByRole("status").filter({ hasText: "Loading" })).toBeVisible();
    await expect(page.getByRole("button", { name: "Sign out" })).toHaveCount(0);
    release();
    await expect(page.getByRole("link", { name: title })).toBeVisible();
    await expect(page.getByRole("button", { name: "Sign out" })).toBeVisible();
    expect(await layoutShift(page, 10_000)).toBeLessThan(0.01);
  } finally {
    await client.stop();
    proxy.stop();
  }
});
