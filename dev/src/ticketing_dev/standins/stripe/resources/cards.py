"""Stripe's test cards and their behaviour (docs.stripe.com/testing)."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Decline:
    """Why the bank declined, with Stripe's message for the buyer."""

    code: str
    decline_code: str
    message: str
    param: str | None = None


@dataclass(frozen=True)
class Dispute:
    """The dispute that follows a successful payment."""

    reason: str
    network_reason_code: str
    is_inquiry: bool = False
    """Whether it is an inquiry, which moves no money."""


@dataclass(frozen=True)
class Card:
    """The behaviour of a test card. Without a decline its payments succeed."""

    last4: str
    brand: str = "visa"
    funding: str = "credit"
    decline: Decline | None = None
    type: str = "card"
    requires_authentication: bool = False
    """Whether the bank requires 3-D Secure first."""
    stays_processing: bool = False
    """Whether the payment stays in `processing` until the control API decides."""
    dispute: Dispute | None = None
    initial_refund_status: str = "succeeded"
    final_refund_status: str | None = None
    """The later status of a refund, if it changes."""


DECLINED = "Your card was declined."
GENERIC_DECLINE = Decline("card_declined", "generic_decline", DECLINED)
INSUFFICIENT_FUNDS = Decline(
    "card_declined", "insufficient_funds", "Your card has insufficient funds."
)
LOST_CARD = Decline("card_declined", "lost_card", DECLINED)
STOLEN_CARD = Decline("card_declined", "stolen_card", DECLINED)
FRAUDULENT = Decline("card_declined", "fraudulent", DECLINED)
VELOCITY_EXCEEDED = Decline(
    "card_declined",
    "card_velocity_exceeded",
    "Your card was declined for making repeated attempts too frequently or exceeding its "
    "amount limit.",
)
EXPIRED_CARD = Decline("expired_card", "expired_card", "Your card has expired.", "exp_month")
INCORRECT_CVC = Decline(
    "incorrect_cvc", "incorrect_cvc", "Your card's security code is incorrect.", "cvc"
)
PROCESSING_ERROR = Decline(
    "processing_error",
    "processing_error",
    "An error occurred while processing your card. Try again in a little bit.",
)

# By the common suffix of payment methods (pm_card_...) and tokens (tok_...).
CARDS = {
    "visa": Card("4242"),
    "visa_debit": Card("5556", funding="debit"),
    "mastercard": Card("4444", "mastercard"),
    "mastercard_debit": Card("8210", "mastercard", "debit"),
    "mastercard_prepaid": Card("5100", "mastercard", "prepaid"),
    "amex": Card("0005", "amex"),
    "discover": Card("1117", "discover"),
    "diners": Card("0004", "diners"),
    "jcb": Card("0505", "jcb"),
    "visa_chargeDeclined": Card("0002", decline=GENERIC_DECLINE),
    "visa_chargeDeclinedInsufficientFunds": Card("9995", decline=INSUFFICIENT_FUNDS),
    "visa_chargeDeclinedLostCard": Card("9987", decline=LOST_CARD),
    "visa_chargeDeclinedStolenCard": Card("9979", decline=STOLEN_CARD),
    "visa_chargeDeclinedVelocityLimitExceeded": Card("6975", decline=VELOCITY_EXCEEDED),
    "chargeDeclinedExpiredCard": Card("0069", decline=EXPIRED_CARD),
    "chargeDeclinedIncorrectCvc": Card("0127", decline=INCORRECT_CVC),
    "chargeDeclinedProcessingError": Card("0119", decline=PROCESSING_ERROR),
    "chargeCustomerFail": Card("0341", decline=GENERIC_DECLINE),
    "radarBlock": Card("0019", decline=FRAUDULENT),
    "threeDSecure2Required": Card("3220", requires_authentication=True),
    "threeDSecureRequired": Card("3063", requires_authentication=True),
    "threeDSecureRequiredChargeDeclined": Card(
        "1629", decline=GENERIC_DECLINE, requires_authentication=True
    ),
    "threeDSecureOptional": Card("3055"),
    "authenticationRequired": Card("3184", requires_authentication=True),
    "authenticationRequiredOnSetup": Card("3155", requires_authentication=True),
    "createDispute": Card("0259", dispute=Dispute("fraudulent", "10.4")),
    "createDisputeProductNotReceived": Card(
        "2685", dispute=Dispute("product_not_received", "13.1")
    ),
    "createDisputeInquiry": Card("1976", dispute=Dispute("fraudulent", "10", is_inquiry=True)),
    "pendingRefund": Card("7726", initial_refund_status="pending", final_refund_status="succeeded"),
    "refundFail": Card("5126", final_refund_status="failed"),
    # Not a test card of Stripe, which has none for a card payment that stays in `processing`.
    "standInProcessing": Card("6788", stays_processing=True),
}
# Names that Stripe still accepts but no longer documents.
UNDOCUMENTED_TOKENS = {
    "tok_chargeDeclined": "visa_chargeDeclined",
    "tok_chargeDeclinedInsufficientFunds": "visa_chargeDeclinedInsufficientFunds",
    "tok_chargeDeclinedFraudulent": "radarBlock",
}

PAYMENT_METHODS = {
    **{f"pm_card_{name}": card for name, card in CARDS.items()},
    "pm_usBankAccount_processing": Card("6789", type="us_bank_account", stays_processing=True),
}
TOKENS = {
    **{f"tok_{name}": card for name, card in CARDS.items()},
    **{token: CARDS[name] for token, name in UNDOCUMENTED_TOKENS.items()},
}
