import type { Page, Route } from "@playwright/test";
import { ClientServer } from "./client-server";
import { expect, test } from "./fixtures";
import { Ingress } from "./ingress";
import { JAVASCRIPT_LIMIT, measureJavaScript } from "./javascript-size";

/** Replaces Stripe.js: the part that the pages use. The bank approves every confirmation. */
const FAKE_STRIPE_JS = `
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

/** The same build with a publishable key and another currency. */
let client: ClientServer;
let ingress: Ingress;

test.beforeAll(async () => {
  client = await ClientServer.start({
    API_URL: process.env.STACK_URL,
    STRIPE_PUBLISHABLE_KEY: "pk_test_journeys",
    CURRENCY: "EUR",
  });
  ingress = await Ingress.start(client.url);
});

test.afterAll(async () => {
  ingress.stop();
  await client.stop();
});

/** Replace Stripe.js by the fake. */
async function routeStripe(page: Page): Promise<void> {
  await page.route("https://js.stripe.com/**", (route) =>
    route.fulfill({ contentType: "text/javascript", body: FAKE_STRIPE_JS }),
  );
}

for (const [card, result] of [
  ["pm_card_visa", "pays"],
  ["pm_card_threeDSecure2Required", "pays after a confirmation at the bank"],
] as const) {
  test(`Stripe form ${result}`, async ({ seller, newSignedInUser, browserName }) => {
    const buyer = await newSignedInUser();
    const { page } = buyer;
    const order = await buyer.orderTicket(await seller.createTicket("Paid with Stripe", 42.5));
    await routeStripe(page);
    await page.addInitScript((id) => Object.assign(window, { card: id }), card);

    const javaScriptSize = measureJavaScript(page);
    await page.goto(`${ingress.url}/orders/${order.id}`);
    await expect(page.getByText("Stripe's form, payment of 4250 eur by card")).toBeVisible();
    if (browserName === "chromium") {
      expect(await javaScriptSize()).toBeLessThan(JAVASCRIPT_LIMIT);
    }
    await page.getByRole("button", { name: "Pay €42.50" }).click();

    await expect(page.getByRole("heading", { name: "The ticket is yours" })).toBeVisible();
  });
}

test("Stripe form shows an error when its script is blocked, and loads it again on request", async ({
  seller,
  newSignedInUser,
}) => {
  const buyer = await newSignedInUser();
  const { page } = buyer;
  const order = await buyer.orderTicket(
    await seller.createTicket("Paid after a blocked script", 42.5),
  );
  await routeStripe(page);
  const pageErrors: string[] = [];
  page.on("pageerror", (error) => pageErrors.push(error.message));
  const block = (route: Route) => route.abort();
  await page.route("https://js.stripe.com/**", block);

  await page.goto(`${ingress.url}/orders/${order.id}`);
  await expect(page.getByText("The payment form could not be loaded.")).toBeVisible();
  await page.unroute("https://js.stripe.com/**", block);
  await page.getByRole("button", { name: "Try again" }).click();
  await expect(page.getByText("Stripe's form, payment of 4250 eur by card")).toBeVisible();
  await page.getByRole("button", { name: "Pay €42.50" }).click();

  await expect(page.getByRole("heading", { name: "The ticket is yours" })).toBeVisible();
  expect(pageErrors).toEqual([]);
});

test("Content-Security-Policy allows Stripe only if Stripe is enabled", async ({ request }) => {
  const policyOf = async (url: string) =>
    (await request.get(url)).headers()["content-security-policy"];
  expect(await policyOf(client.url)).toContain("https://js.stripe.com");
  expect(await policyOf("/")).not.toContain("stripe");
});
