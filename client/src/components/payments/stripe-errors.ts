import type { StripeError } from "@stripe/stripe-js";
import { type ApiFailure, localFailure } from "@/api/errors";

const NOT_CONFIRMED =
  "Your bank did not confirm the payment. You were not charged. Try again or use another card.";
const NO_CONNECTION = "We could not reach the bank. Check your connection and try again.";
const NOT_USED = "Your card could not be used. Try again or use another card.";

const MESSAGES: Record<string, string> = {
  authentication_required: NOT_CONFIRMED,
  payment_intent_authentication_failure: NOT_CONFIRMED,
  payment_intent_payment_attempt_expired: NOT_CONFIRMED,
  setup_intent_authentication_failure: NOT_CONFIRMED,
};

/** The types of errors whose message Stripe writes for the buyer, in the buyer's language. */
const FOR_BUYERS: string[] = ["card_error", "validation_error"];

/** Return an error of Stripe's script in words for the buyer. Most are written for developers. */
export function stripeFailure({ type, code, message }: StripeError): ApiFailure {
  const known = MESSAGES[code ?? ""];
  const fallback = type === "api_connection_error" ? NO_CONNECTION : NOT_USED;
  return localFailure(
    "stripe_error",
    known ?? (FOR_BUYERS.includes(type) && message ? message : fallback),
  );
}
