"""Stripe's test cards and what each does when it is charged (docs.stripe.com/testing)."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Decline:
    """Why a bank said no, in the words that Stripe has for the buyer."""

    code: str
    decline_code: str
    message: str
    param: str | None = None


@dataclass(frozen=True)
class Dispute:
    """What a buyer tells their bank of a payment that went well."""

    reason: str
    network_reason_code: str
    is_inquiry: bool = False
    """The bank only asks; no money moves."""


@dataclass(frozen=True)
class Card:
    """A test card. With no decline it pays."""

    last4: str
    brand: str = "visa"
    funding: str = "credit"
    decline: Decline | None = None
    type: str = "card"
    asks_the_buyer: bool = False
    """The bank wants 3-D Secure before it says yes or no."""
    stays_processing: bool = False
    """The bank never says yes or no by itself."""
    dispute: Dispute | None = None
    refund_at_first: str = "succeeded"
    refund_in_time: str | None = None
    """What becomes of a refund later, if it does not stay as it was at first."""


DECLINED = "Your card was declined."
GENERIC = Decline("card_declined", "generic_decline", DECLINED)
NO_FUNDS = Decline("card_declined", "insufficient_funds", "Your card has insufficient funds.")
LOST = Decline("card_declined", "lost_card", DECLINED)
STOLEN = Decline("card_declined", "stolen_card", DECLINED)
FRAUD = Decline("card_declined", "fraudulent", DECLINED)
TOO_OFTEN = Decline(
    "card_declined",
    "card_velocity_exceeded",
    "Your card was declined for making repeated attempts too frequently or exceeding its "
    "amount limit.",
)
EXPIRED = Decline("expired_card", "expired_card", "Your card has expired.", "exp_month")
WRONG_CVC = Decline(
    "incorrect_cvc", "incorrect_cvc", "Your card's security code is incorrect.", "cvc"
)
NOT_PROCESSED = Decline(
    "processing_error",
    "processing_error",
    "An error occurred while processing your card. Try again in a little bit.",
)

# By the part of the name that payment methods (pm_card_...) and tokens (tok_...) share.
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
    "visa_chargeDeclined": Card("0002", decline=GENERIC),
    "visa_chargeDeclinedInsufficientFunds": Card("9995", decline=NO_FUNDS),
    "visa_chargeDeclinedLostCard": Card("9987", decline=LOST),
    "visa_chargeDeclinedStolenCard": Card("9979", decline=STOLEN),
    "visa_chargeDeclinedVelocityLimitExceeded": Card("6975", decline=TOO_OFTEN),
    "chargeDeclinedExpiredCard": Card("0069", decline=EXPIRED),
    "chargeDeclinedIncorrectCvc": Card("0127", decline=WRONG_CVC),
    "chargeDeclinedProcessingError": Card("0119", decline=NOT_PROCESSED),
    "chargeCustomerFail": Card("0341", decline=GENERIC),
    "radarBlock": Card("0019", decline=FRAUD),
    "threeDSecure2Required": Card("3220", asks_the_buyer=True),
    "threeDSecureRequired": Card("3063", asks_the_buyer=True),
    "threeDSecureRequiredChargeDeclined": Card("1629", decline=GENERIC, asks_the_buyer=True),
    "threeDSecureOptional": Card("3055"),
    "authenticationRequired": Card("3184", asks_the_buyer=True),
    "authenticationRequiredOnSetup": Card("3155", asks_the_buyer=True),
    "createDispute": Card("0259", dispute=Dispute("fraudulent", "10.4")),
    "createDisputeProductNotReceived": Card(
        "2685", dispute=Dispute("product_not_received", "13.1")
    ),
    "createDisputeInquiry": Card("1976", dispute=Dispute("fraudulent", "10", is_inquiry=True)),
    "pendingRefund": Card("7726", refund_at_first="pending", refund_in_time="succeeded"),
    "refundFail": Card("5126", refund_in_time="failed"),
    # Our own: a card payment may be processing for a while, but Stripe has no test card for it.
    "standInProcessing": Card("6788", stays_processing=True),
}
# Names that Stripe still takes though its pages have moved on.
OLDER_TOKENS = {
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
    **{token: CARDS[name] for token, name in OLDER_TOKENS.items()},
}
