import type { StripeError } from "@stripe/stripe-js";
import { expect, test } from "vitest";
import { errorText } from "@/api/errors";
import { stripeFailure } from "@/components/payments/stripe-errors";

const FOR_DEVELOPERS = "You can provide payment_method_data or a new PaymentMethod";

test.each([
  ["invalid_request_error", "payment_intent_authentication_failure", /^Your bank did not confirm/],
  ["card_error", "authentication_required", /^Your bank did not confirm/],
  ["invalid_request_error", "unknown", /^Your card could not be used/],
  ["api_error", undefined, /^Your card could not be used/],
  ["idempotency_error", undefined, /^Your card could not be used/],
  ["api_connection_error", undefined, /^We could not reach/],
] as const)("stripeFailure of %s, %s has words for the buyer", (type, code, text) => {
  const failure = stripeFailure({ type, code, message: FOR_DEVELOPERS } as StripeError);
  expect(errorText(failure)).toMatch(text);
});

test.each(["card_error", "validation_error"] as const)("stripeFailure of %s keeps it", (type) => {
  const message = "Your card number is incomplete.";
  expect(errorText(stripeFailure({ type, message } as StripeError))).toBe(message);
});
