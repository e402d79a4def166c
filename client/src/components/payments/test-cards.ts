/** Stripe's test cards, with the result of a payment with each. */
export const TEST_CARDS = [
  { token: "pm_card_visa", name: "Visa ending in 4242", result: "Payment succeeds" },
  {
    token: "pm_card_threeDSecure2Required",
    name: "Visa ending in 3220",
    result: "Your bank asks you to confirm (3-D Secure)",
  },
  { token: "pm_card_visa_chargeDeclined", name: "Visa ending in 0002", result: "Declined" },
  {
    token: "pm_card_visa_chargeDeclinedInsufficientFunds",
    name: "Visa ending in 9995",
    result: "Declined: insufficient funds",
  },
  {
    token: "pm_card_chargeDeclinedExpiredCard",
    name: "Visa ending in 0069",
    result: "Declined: expired card",
  },
  {
    token: "pm_card_chargeDeclinedIncorrectCvc",
    name: "Visa ending in 0127",
    result: "Declined: wrong security code",
  },
  {
    token: "pm_card_chargeDeclinedProcessingError",
    name: "Visa ending in 0119",
    result: "Declined: processing error",
  },
] as const;
