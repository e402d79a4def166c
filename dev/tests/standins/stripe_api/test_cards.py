"""Test cards: success, declines and authentication."""

from typing import Any

import pytest
import stripe
from dev.tests.standins.stripe_api.sdk import Pay, error_of


@pytest.mark.parametrize(
    ("method", "brand"),
    [
        ("pm_card_visa", "visa"),
        ("tok_visa", "visa"),
        ("pm_card_mastercard", "mastercard"),
        ("tok_mastercard", "mastercard"),
        ("pm_card_amex", "amex"),
        ("tok_discover", "discover"),
    ],
)
async def test_card_of_each_brand_succeeds(client: Any, pay: Pay, method: str, brand: str) -> None:
    """TESTING: cards by brand simulate a successful payment."""
    intent = await pay(method)
    assert intent.status == "succeeded"
    assert intent.amount_received == 2000
    charge = await client.v1.charges.retrieve_async(intent.latest_charge)
    assert charge.payment_method_details.card.brand == brand
    assert (charge.paid, charge.captured, charge.status) == (True, True, "succeeded")


@pytest.mark.parametrize(
    ("method", "code", "decline_code"),
    [
        ("pm_card_visa_chargeDeclined", "card_declined", "generic_decline"),
        ("tok_visa_chargeDeclined", "card_declined", "generic_decline"),
        ("tok_chargeDeclined", "card_declined", "generic_decline"),
        (
            "pm_card_visa_chargeDeclinedInsufficientFunds",
            "card_declined",
            "insufficient_funds",
        ),
        ("pm_card_visa_chargeDeclinedLostCard", "card_declined", "lost_card"),
        ("pm_card_visa_chargeDeclinedStolenCard", "card_declined", "stolen_card"),
        (
            "pm_card_visa_chargeDeclinedVelocityLimitExceeded",
            "card_declined",
            "card_velocity_exceeded",
        ),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card", None),
        ("tok_chargeDeclinedExpiredCard", "expired_card", None),
        ("pm_card_chargeDeclinedIncorrectCvc", "incorrect_cvc", None),
        ("pm_card_chargeDeclinedProcessingError", "processing_error", None),
    ],
)
async def test_card_declines_with_its_codes(
    pay: Pay, method: str, code: str, decline_code: str | None
) -> None:
    """TESTING: declined payments, with their error code and decline code."""
    with pytest.raises(stripe.CardError) as raised:
        await pay(method)
    assert error_of(raised).code == code
    assert error_of(raised).error.type == "card_error"
    if decline_code:
        assert error_of(raised).error.decline_code == decline_code


async def test_decline_is_a_402_with_failed_charge_and_message(client: Any, pay: Pay) -> None:
    """ERRORS: 402 means that the parameters were valid but the request failed."""
    with pytest.raises(stripe.CardError) as raised:
        await pay("pm_card_visa_chargeDeclinedInsufficientFunds")
    error = error_of(raised)
    assert error.http_status == 402
    assert error.user_message == "Your card has insufficient funds."
    charge = await client.v1.charges.retrieve_async(error.error.charge)
    assert (charge.status, charge.paid) == ("failed", False)
    assert charge.failure_code == "card_declined"


async def test_declined_intent_can_be_paid_with_another_card(client: Any, pay: Pay) -> None:
    """LIFECYCLE: if the payment attempt fails, the status returns to requires_payment_method."""
    with pytest.raises(stripe.CardError) as raised:
        await pay("pm_card_visa_chargeDeclined")
    intent = error_of(raised).error.payment_intent
    assert intent.status == "requires_payment_method"
    assert intent.last_payment_error.decline_code == "generic_decline"
    paid = await client.v1.payment_intents.confirm_async(
        intent.id, {"payment_method": "pm_card_visa"}
    )
    assert paid.status == "succeeded"
    assert paid.last_payment_error is None


async def test_card_with_3d_secure_requires_action(pay: Pay) -> None:
    """LIFECYCLE: a payment that needs 3D Secure has the status requires_action."""
    for method in ("pm_card_threeDSecure2Required", "tok_threeDSecure2Required"):
        intent = await pay(method)
        assert intent.status == "requires_action"
        assert intent.next_action.type == "use_stripe_sdk"
        assert intent.client_secret.startswith(f"{intent.id}_secret_")
        assert intent.latest_charge is None


async def test_error_on_requires_action_declines(pay: Pay) -> None:
    """NO_BANK: error_on_requires_action declines the card with authentication_required."""
    with pytest.raises(stripe.CardError) as raised:
        await pay("pm_card_threeDSecure2Required", error_on_requires_action=True)
    assert error_of(raised).http_status == 402
    assert error_of(raised).code == "authentication_required"
    assert error_of(raised).error.decline_code == "authentication_not_handled"
    assert error_of(raised).error.payment_intent.status == "requires_payment_method"


async def test_error_on_requires_action_needs_confirm(pay: Pay) -> None:
    """CREATE: error_on_requires_action can only be used with confirm=true."""
    with pytest.raises(stripe.InvalidRequestError) as raised:
        await pay("pm_card_visa", confirm=False, error_on_requires_action=True)
    assert error_of(raised).param == "error_on_requires_action"


@pytest.mark.parametrize("method", ["pm_card_nonesuch", "tok_nonesuch"])
async def test_unknown_method_or_token_is_a_missing_resource(pay: Pay, method: str) -> None:
    """ERROR_CODES: resource_missing, the ID provided is not valid."""
    with pytest.raises(stripe.InvalidRequestError) as raised:
        await pay(method)
    assert error_of(raised).http_status == 400
    assert error_of(raised).code == "resource_missing"
    assert error_of(raised).param in ("payment_method", "payment_method_data[card][token]")
