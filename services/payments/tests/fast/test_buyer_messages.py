"""No buyer reads one of Stripe's sentences for developers."""

import re

import pytest

from payments.stripe.buyer_messages import DECLINED, MESSAGES, NOT_MADE, buyer_message
from ticketing_dev.standins.stripe.resources import confirmation
from ticketing_dev.standins.stripe.resources.cards import CARDS, Decline

DECLINE_CODES = [
    "approve_with_id",
    "authentication_not_handled",
    "authentication_required",
    "call_issuer",
    "card_not_supported",
    "card_velocity_exceeded",
    "currency_not_supported",
    "do_not_honor",
    "do_not_try_again",
    "duplicate_transaction",
    "expired_card",
    "fraudulent",
    "generic_decline",
    "incorrect_address",
    "incorrect_cvc",
    "incorrect_number",
    "incorrect_pin",
    "incorrect_zip",
    "insufficient_funds",
    "invalid_account",
    "invalid_amount",
    "invalid_cvc",
    "invalid_expiry_month",
    "invalid_expiry_year",
    "invalid_number",
    "invalid_pin",
    "issuer_not_available",
    "lost_card",
    "merchant_blacklist",
    "mobile_device_authentication_required",
    "new_account_information_available",
    "no_action_taken",
    "not_permitted",
    "offline_pin_required",
    "online_or_offline_pin_required",
    "pickup_card",
    "pin_try_exceeded",
    "processing_error",
    "reenter_transaction",
    "restricted_card",
    "revocation_of_all_authorizations",
    "revocation_of_authorization",
    "security_violation",
    "service_not_allowed",
    "stolen_card",
    "stop_payment_order",
    "testmode_decline",
    "transaction_not_allowed",
    "try_again_later",
    "withdrawal_count_limit_exceeded",
]
"""docs.stripe.com/declines/codes"""
FOR_DEVELOPERS = re.compile("Payment(Method|Intent)|_|https?:|token|integration|API|fraud|stolen")
DECLINES = [card.decline for card in CARDS.values() if card.decline]
DECLINES += [confirmation.ACTION_NOT_HANDLED, confirmation.AUTHENTICATION_REQUIRED]


@pytest.mark.parametrize("code", DECLINE_CODES)
def test_every_decline_code_has_a_sentence(code: str) -> None:
    assert code in MESSAGES


@pytest.mark.parametrize("decline", DECLINES, ids=lambda decline: decline.decline_code)
def test_every_decline_of_the_stand_in_has_a_sentence(decline: Decline) -> None:
    error = {"type": "card_error", "code": decline.code, "decline_code": decline.decline_code}
    assert buyer_message(error | {"message": decline.message}) == MESSAGES[decline.decline_code]


@pytest.mark.parametrize("message", sorted({*MESSAGES.values(), DECLINED, NOT_MADE}))
def test_messages_are_sentences_for_buyers(message: str) -> None:
    assert message.endswith(".")
    assert not FOR_DEVELOPERS.search(message)


@pytest.mark.parametrize(
    ("error", "message"),
    [
        ({"type": "card_error", "code": "card_declined", "decline_code": "new"}, DECLINED),
        ({"type": "card_error", "code": "new"}, DECLINED),
        ({"type": "invalid_request_error", "code": "new", "message": "PaymentIntent"}, NOT_MADE),
        ({}, NOT_MADE),
    ],
)
def test_unknown_codes_have_a_default(error: dict[str, str], message: str) -> None:
    assert buyer_message(error) == message
