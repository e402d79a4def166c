import { act, render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { PricedIn } from "@/ui/money";
import StripeForm from "@/ui/pay/stripe-form";
import { violations } from "./accessible";
import { answering, json } from "./api";
import { anOrder, aPayment } from "./things";

/** Says that the colours have changed. */
let changeColours = () => {};
let isDark = false;

beforeEach(() => {
  isDark = false;
  present = stripe();
  vi.stubGlobal("matchMedia", () => ({
    get matches() {
      return isDark;
    },
    addEventListener: (_: string, listener: () => void) => {
      changeColours = listener;
    },
    removeEventListener() {},
  }));
});

afterEach(() => {
  for (const script of scripts()) script.remove();
});

const scripts = () =>
  document.querySelectorAll<HTMLScriptElement>('script[src^="https://js.stripe.com"]');

/** Stripe's script, as it comes or does not come. */
async function script(event: "load" | "error"): Promise<void> {
  await waitFor(() => expect(scripts()).toHaveLength(1));
  await act(async () => void scripts()[0]?.dispatchEvent(new Event(event)));
}

let present: ReturnType<typeof stripe>;
/** Stripe's loader remembers it. */
const Stripe = Object.assign(() => present, { version: "endive" });

/** What there is of Stripe once its script is there. */
function stripe() {
  const form = { on: vi.fn(), off: vi.fn(), mount: vi.fn(), update: vi.fn(), destroy: vi.fn() };
  const inPage = { create: () => form, update: vi.fn(), submit: async () => ({}) };
  return {
    form,
    inPage,
    elements: vi.fn((_: object) => inPage),
    createPaymentMethod: async () => ({ paymentMethod: { id: "pm_1" } }),
    // What @stripe/react-stripe-js knows Stripe by.
    createToken() {},
    confirmCardPayment() {},
  };
}

function show(currency = "usd") {
  const look = vi.fn(async () => {});
  const props = { order: anOrder(), isConfirming: false, look, publishableKey: "pk_test_parts" };
  return {
    ...render(
      <PricedIn currency={currency}>
        <StripeForm {...props} />
      </PricedIn>,
    ),
    look,
  };
}

const pay = () => userEvent.click(screen.getByRole("button", { name: "Pay $25.00" }));

// The first test, as the loader does not ask again for a script that has come.
test("a script that does not come is told, and loaded again when asked for", async () => {
  const { container } = show();
  await pay();
  expect((await screen.findByRole("alert")).textContent).toMatch(/still loading/);
  await script("error");
  await script("error"); // its loader tries twice
  expect((await screen.findByRole("alert")).textContent).toMatch(/could not be loaded/);
  expect(await violations(container)).toEqual([]);

  vi.stubGlobal("Stripe", Stripe);
  await userEvent.click(screen.getByRole("button", { name: "Load it again" }));
  await script("load");
  expect(present.form.mount).toHaveBeenCalledTimes(1);
  expect(screen.getByRole("button", { name: "Pay $25.00" })).toBeTruthy();
});

test("it asks for a card, for the order's price, in the market's currency and the page's colours", async () => {
  isDark = true;
  const { unmount } = show("eur");
  await waitFor(() => expect(present.form.mount).toHaveBeenCalled());
  expect(screen.getByRole("button", { name: "Pay €25.00" })).toBeTruthy();
  expect(present.elements).toHaveBeenCalledWith({
    mode: "payment",
    amount: 2500,
    currency: "eur",
    paymentMethodCreation: "manual",
    allowedPaymentMethodTypes: ["card"],
    appearance: { theme: "night" },
  });
  isDark = false;
  act(() => changeColours());
  expect(present.inPage.update).toHaveBeenCalledWith({ appearance: { theme: "stripe" } });
  unmount();
  expect(present.form.destroy).toHaveBeenCalledTimes(1);
});

test("what was typed into it is paid with", async () => {
  const asked = answering(json(201, aPayment({ status: "succeeded" })));
  const { look } = show();
  await waitFor(() => expect(present.form.mount).toHaveBeenCalled());
  await pay();
  await waitFor(() => expect(look).toHaveBeenCalled());
  expect(JSON.parse(String(asked.mock.calls[0]?.[1].body)).token).toBe("pm_1");
});

test("a form that does not come, though the script did, is told and loaded again, too", async () => {
  show();
  await waitFor(() => expect(present.form.mount).toHaveBeenCalledTimes(1));
  const [, lost] = present.form.on.mock.calls.find(([event]) => event === "loaderror") ?? [];
  await act(async () => lost());
  await userEvent.click(await screen.findByRole("button", { name: "Load it again" }));
  await waitFor(() => expect(present.form.mount).toHaveBeenCalledTimes(2));
});
