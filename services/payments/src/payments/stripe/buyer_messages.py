"""The sentences that buyers read about a payment that failed, by Stripe's codes.

Stripe's own messages are for developers in many cases. Where Stripe's sentence is for the buyer, it
is this one, word for word. A card that was reported as lost or stolen is only declined: the buyer
may not be its owner.
"""

from collections.abc import Mapping
from typing import Any

DECLINED = "Your card was declined."
TRY_AGAIN = "An error occurred while processing your card. Try again in a little bit."
NOT_CONFIRMED = (
    "Your bank did not confirm the payment. You were not charged. Try again or use another card."
)
NOT_MADE = (
    "The payment could not be made. You were not charged. Try again later or use another card."
)
NOT_READ = "Your card could not be read. Enter it again or use another card."
_CALL_BANK = "Your card was declined. Ask your bank why, or use another card."
_NOT_SUPPORTED = "Your card does not support this type of purchase. Use another card."
_LIMIT = (
    "Your card was declined for making repeated attempts too frequently or exceeding its amount "
    "limit."
)
_NUMBER = "Your card number is incorrect."
_EXPIRED = "Your card has expired."
_MONTH = "Your card's expiration month is invalid."
_YEAR = "Your card's expiration year is invalid."
_CVC = "Your card's security code is incorrect."
_PIN = "Your card was declined because it needs its PIN. Use another card."
_ADDRESS = "Your card's billing address is incorrect."
_POSTAL_CODE = "Your card's postal code is incorrect."

MESSAGES: Mapping[str, str] = {
    # Codes of declines: docs.stripe.com/declines/codes
    "approve_with_id": TRY_AGAIN,
    "authentication_not_handled": NOT_CONFIRMED,
    "authentication_required": NOT_CONFIRMED,
    "call_issuer": _CALL_BANK,
    "card_not_supported": _NOT_SUPPORTED,
    "card_velocity_exceeded": _LIMIT,
    "currency_not_supported": "Your card does not support this currency. Use another card.",
    "do_not_honor": _CALL_BANK,
    "do_not_try_again": _CALL_BANK,
    "duplicate_transaction": "You have just paid this amount with this card. Check your bank "
    "statement before you try again.",
    "expired_card": _EXPIRED,
    "fraudulent": DECLINED,
    "generic_decline": DECLINED,
    "incorrect_address": _ADDRESS,
    "incorrect_cvc": _CVC,
    "incorrect_number": _NUMBER,
    "incorrect_pin": _PIN,
    "incorrect_zip": _POSTAL_CODE,
    "insufficient_funds": "Your card has insufficient funds.",
    "invalid_account": _CALL_BANK,
    "invalid_amount": "Your card does not allow this amount. Use another card.",
    "invalid_cvc": _CVC,
    "invalid_expiry_month": _MONTH,
    "invalid_expiry_year": _YEAR,
    "invalid_number": _NUMBER,
    "invalid_pin": _PIN,
    "issuer_not_available": "Your bank does not answer. Try again in a moment.",
    "lost_card": DECLINED,
    "merchant_blacklist": DECLINED,
    "mobile_device_authentication_required": NOT_CONFIRMED,
    "new_account_information_available": _CALL_BANK,
    "no_action_taken": _CALL_BANK,
    "not_permitted": _NOT_SUPPORTED,
    "offline_pin_required": _PIN,
    "online_or_offline_pin_required": _PIN,
    "pickup_card": DECLINED,
    "pin_try_exceeded": _PIN,
    "processing_error": TRY_AGAIN,
    "reenter_transaction": TRY_AGAIN,
    "restricted_card": DECLINED,
    "revocation_of_all_authorizations": _CALL_BANK,
    "revocation_of_authorization": _CALL_BANK,
    "security_violation": _CALL_BANK,
    "service_not_allowed": _NOT_SUPPORTED,
    "stolen_card": DECLINED,
    "stop_payment_order": _CALL_BANK,
    "testmode_decline": "This is a test card. Use a real one.",
    "transaction_not_allowed": _NOT_SUPPORTED,
    "try_again_later": TRY_AGAIN,
    "withdrawal_count_limit_exceeded": _LIMIT,
    # Codes of errors: docs.stripe.com/error-codes
    "amount_too_large": "This amount is too high for a card payment. You were not charged.",
    "amount_too_small": "This amount is too low for a card payment. You were not charged.",
    "card_decline_rate_limit_exceeded": _LIMIT,
    "card_declined": DECLINED,
    "idempotency_key_in_use": TRY_AGAIN,
    "lock_timeout": TRY_AGAIN,
    "payment_intent_authentication_failure": NOT_CONFIRMED,
    "payment_intent_payment_attempt_expired": NOT_CONFIRMED,
    "payment_intent_payment_attempt_failed": NOT_MADE,
    "payment_method_customer_decline": NOT_CONFIRMED,
    "payment_method_not_available": TRY_AGAIN,
    "payment_method_provider_decline": DECLINED,
    "payment_method_provider_timeout": TRY_AGAIN,
    "payment_method_unactivated": _NOT_SUPPORTED,
    "payment_method_unexpected_state": NOT_READ,
    "postal_code_invalid": _POSTAL_CODE,
    "rate_limit": TRY_AGAIN,
    "resource_missing": NOT_READ,
    "setup_intent_authentication_failure": NOT_CONFIRMED,
    "token_already_used": NOT_READ,
    "token_in_use": NOT_READ,
}


def buyer_message(error: Mapping[str, Any]) -> str:
    """Return the sentence for one of Stripe's errors: the decline's, the error's or a default."""
    for name in ("decline_code", "code"):
        if (message := MESSAGES.get(str(error.get(name)))) is not None:
            return message
    return DECLINED if error.get("type") == "card_error" else NOT_MADE
