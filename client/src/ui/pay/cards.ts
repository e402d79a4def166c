/** Stripe's test cards, and what each of them does. */
export const CARDS = [
  { token: "pm_card_visa", name: "Visa ending in 4242", does: "Pays at once" },
  {
    token: "pm_card_threeDSecure2Required",
    name: "Visa ending in 3220",
    does: "The bank asks you to confirm (3-D Secure)",
  },
  { token: "pm_card_visa_chargeDeclined", name: "Visa ending in 0002", does: "Declined" },
  {
    token: "pm_card_visa_chargeDeclinedInsufficientFunds",
    name: "Visa ending in 9995",
    does: "Declined: insufficient funds",
  },
  {
    token: "pm_card_chargeDeclinedExpiredCard",
    name: "Visa ending in 0069",
    does: "Declined: expired card",
  },
  {
    token: "pm_card_chargeDeclinedIncorrectCvc",
    name: "Visa ending in 0127",
    does: "Declined: wrong security code",
  },
  {
    token: "pm_card_chargeDeclinedProcessingError",
    name: "Visa ending in 0119",
    does: "Declined: processing error",
  },
] as const;
