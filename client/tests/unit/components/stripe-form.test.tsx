import { act, render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { CurrencyProvider } from "@/components/common/price";
import StripeForm from "@/components/payments/stripe-form";
import { accessibilityViolations } from "../helpers/axe";
import { makeOrder, makePayment } from "../helpers/factories";
import { jsonResponse, mockFetch } from "../helpers/mock-fetch";

let isDark = false;
let notifyColorSchemeChange = () => {};

beforeEach(() => {
  isDark = false;
  fakeStripe = createFakeStripe();
  vi.stubGlobal("matchMedia", () => ({
    get matches() {
      return isDark;
    },
    addEventListener: (_: string, listener: () => void) => {
      notifyColorSchemeChange = listener;
    },
    removeEventListener() {},
  }));
});

afterEach(() => {
  for (const script of stripeScripts()) script.remove();
});

const stripeScripts = () =>
  document.querySelectorAll<HTMLScriptElement>('script[src^="https://js.stripe.com"]');

/** Let the script tag of Stripe load or fail. */
async function finishScript(event: "load" | "error"): Promise<void> {
  await waitFor(() => expect(stripeScripts()).toHaveLength(1));
  await act(async () => void stripeScripts()[0]?.dispatchEvent(new Event(event)));
}

let fakeStripe: ReturnType<typeof createFakeStripe>;
/** Constant, because Stripe's loader caches it. */
const Stripe = Object.assign(() => fakeStripe, { version: "endive" });

/** Create the part of Stripe.js that the form uses. */
function createFakeStripe() {
  const paymentElement = {
    on: vi.fn(),
    off: vi.fn(),
    mount: vi.fn(),
    update: vi.fn(),
    destroy: vi.fn(),
  };
  const elementsGroup = {
    create: () => paymentElement,
    update: vi.fn(),
    submit: async () => ({}),
  };
  return {
    paymentElement,
    elementsGroup,
    elements: vi.fn((_: object) => elementsGroup),
    createPaymentMethod: async () => ({ paymentMethod: { id: "pm_1" } }),
  };
}

function renderForm(currency = "usd") {
  const refresh = vi.fn(async () => {});
  const props = {
    order: makeOrder(),
    needsConfirmation: false,
    refresh,
    setIsPaying: () => {},
    publishableKey: "pk_test_unit",
  };
  const view = render(
    <CurrencyProvider currency={currency}>
      <StripeForm {...props} />
    </CurrencyProvider>,
  );
  return { ...view, refresh };
}

const pay = () => userEvent.click(screen.getByRole("button", { name: "Pay $25.00" }));

// Must be the first test: the loader does not load a script again after it has loaded once.
test("StripeForm shows an error when its script fails, and loads it again on request", async () => {
  const { container } = renderForm();
  await pay();
  expect((await screen.findByRole("alert")).textContent).toMatch(/still loading/);
  await finishScript("error");
  await finishScript("error"); // the loader tries twice
  expect((await screen.findByRole("alert")).textContent).toMatch(/could not be loaded/);
  expect(await accessibilityViolations(container)).toEqual([]);

  vi.stubGlobal("Stripe", Stripe);
  await userEvent.click(screen.getByRole("button", { name: "Try again" }));
  await finishScript("load");
  expect(fakeStripe.paymentElement.mount).toHaveBeenCalledTimes(1);
  expect(screen.getByRole("button", { name: "Pay $25.00" })).toBeTruthy();
});

test("StripeForm uses the price, the currency and the color scheme of the page", async () => {
  isDark = true;
  const { unmount } = renderForm("eur");
  await waitFor(() => expect(fakeStripe.paymentElement.mount).toHaveBeenCalled());
  expect(screen.getByRole("button", { name: "Pay €25.00" })).toBeTruthy();
  expect(fakeStripe.elements).toHaveBeenCalledWith({
    mode: "payment",
    amount: 2500,
    currency: "eur",
    paymentMethodCreation: "manual",
    allowedPaymentMethodTypes: ["card"],
    appearance: { theme: "night" },
  });
  isDark = false;
  act(() => notifyColorSchemeChange());
  expect(fakeStripe.elementsGroup.update).toHaveBeenCalledWith({ appearance: { theme: "stripe" } });
  unmount();
  expect(fakeStripe.paymentElement.destroy).toHaveBeenCalledTimes(1);
});

test("StripeForm pays with the payment method of the form", async () => {
  const fetch = mockFetch(jsonResponse(201, makePayment({ status: "succeeded" })));
  const { refresh } = renderForm();
  await waitFor(() => expect(fakeStripe.paymentElement.mount).toHaveBeenCalled());
  await pay();
  await waitFor(() => expect(refresh).toHaveBeenCalled());
  expect(JSON.parse(String(fetch.mock.calls[0]?.[1].body)).token).toBe("pm_1");
});

test("StripeForm loads the form again after a load error of the element", async () => {
  renderForm();
  await waitFor(() => expect(fakeStripe.paymentElement.mount).toHaveBeenCalledTimes(1));
  const [, onLoadError] =
    fakeStripe.paymentElement.on.mock.calls.find(([event]) => event === "loaderror") ?? [];
  await act(async () => onLoadError());
  await userEvent.click(await screen.findByRole("button", { name: "Try again" }));
  await waitFor(() => expect(fakeStripe.paymentElement.mount).toHaveBeenCalledTimes(2));
});
