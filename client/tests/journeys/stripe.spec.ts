import type { Page, Route } from "@playwright/test";
import { AnotherShop } from "./another-shop";
import { expect, test } from "./people";
import { JAVASCRIPT_LIMIT, scale } from "./weight";

/** As much of Stripe's script as a page notices; its form has one button that the bank asks back at. */
const STRIPE = `
  window.Stripe = (key) => ({
    elements: (options) => ({
      create: () => ({
        mount: (node) => { node.textContent =
          "Stripe's form, " + options.mode + " of " + options.amount + " " + options.currency + " by " + options.allowedPaymentMethodTypes; },
        on() {}, off() {}, update() {}, destroy() {},
      }),
      submit: async () => ({}), update() {},
    }),
    createPaymentMethod: async () => ({ paymentMethod: { id: window.card ?? "pm_card_visa" } }),
    createToken() {}, confirmCardPayment() {},
    handleNextAction: async ({ clientSecret }) => {
      const page = "/dev/stripe/authenticate?client_secret=" + clientSecret + "&return_url=/";
      await fetch(page, { method: "POST", body: new URLSearchParams({ decision: "approve" }), redirect: "manual" });
      return {};
    },
  });
`;

let another: AnotherShop;
let shop: string;

/** The same build again, told a publishable key and another currency. */
test.beforeAll(async () => {
  another = await AnotherShop.open({
    API_URL: process.env.MARKET_URL,
    STRIPE_PUBLISHABLE_KEY: "pk_test_journeys",
    CURRENCY: "EUR",
  });
  shop = another.url;
});

test.afterAll(() => another.close());

/** Leads to the market what the ingress would. */
async function throughIngress(page: Page): Promise<void> {
  const market = process.env.MARKET_URL as string;
  await page.route(/\/(api|dev)\//, async (route) => {
    const asked = route.request();
    if (asked.url().endsWith("/stream")) return route.abort();
    const headers = { ...(await asked.allHeaders()), origin: market };
    const url = asked.url().replace(shop, market);
    await route.fulfill({ response: await route.fetch({ url, headers, maxRedirects: 0 }) });
  });
  await page.route("https://js.stripe.com/**", (route) =>
    route.fulfill({ contentType: "text/javascript", body: STRIPE }),
  );
}

for (const [card, what] of [
  ["pm_card_visa", "pays"],
  ["pm_card_threeDSecure2Required", "has the bank ask, and then pays"],
] as const) {
  test(`with Stripe on, its own form ${what}`, async ({ seller, somebody }) => {
    const buyer = await somebody();
    const { page } = buyer;
    const order = await buyer.order(await seller.offer("Paid with Stripe", 42.5));
    await throughIngress(page);
    await page.addInitScript((id) => Object.assign(window, { card: id }), card);

    const javascript = scale(page);
    await page.goto(`${shop}/orders/${order.id}`);
    await expect(page.getByText("Stripe's form, payment of 4250 eur by card")).toBeVisible();
    expect(await javascript()).toBeLessThan(JAVASCRIPT_LIMIT);
    await page.getByRole("button", { name: "Pay €42.50" }).click();

    await expect(page.getByRole("heading", { name: "It is yours" })).toBeVisible();
  });
}

test("a script of Stripe's that does not come is told, and loaded again when asked for", async ({
  seller,
  somebody,
}) => {
  const buyer = await somebody();
  const { page } = buyer;
  const order = await buyer.order(await seller.offer("Paid at the second try", 42.5));
  await throughIngress(page);
  const failed: string[] = [];
  page.on("pageerror", (error) => failed.push(error.message));
  const blocked = (route: Route) => route.abort();
  await page.route("https://js.stripe.com/**", blocked);

  await page.goto(`${shop}/orders/${order.id}`);
  await expect(page.getByText("Stripe's form could not be loaded.")).toBeVisible();
  await page.unroute("https://js.stripe.com/**", blocked);
  await page.getByRole("button", { name: "Load it again" }).click();
  await expect(page.getByText("Stripe's form, payment of 4250 eur by card")).toBeVisible();
  await page.getByRole("button", { name: "Pay €42.50" }).click();

  await expect(page.getByRole("heading", { name: "It is yours" })).toBeVisible();
  expect(failed).toEqual([]);
});

test("Stripe's hosts are let in where Stripe is on, and only there", async ({ request }) => {
  const policyOf = async (url: string) =>
    (await request.get(url)).headers()["content-security-policy"];
  expect(await policyOf(shop)).toContain("https://js.stripe.com");
  expect(await policyOf("/")).not.toContain("stripe");
});
