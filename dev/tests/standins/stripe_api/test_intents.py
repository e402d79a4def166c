"""The lifecycle of a PaymentIntent: create, confirm, cancel."""

from typing import Any

import pytest
import stripe
from dev.tests.standins.stripe_api.sdk import Pay, error_of

NEVER = {"enabled": True, "allow_redirects": "never"}


async def test_intent_goes_from_method_to_confirmation_to_success(client: Any) -> None:
    """LIFECYCLE: requires_payment_method, then requires_confirmation, then succeeded."""
    intents = client.v1.payment_intents
    order: Any = {"amount": 2000, "currency": "usd", "automatic_payment_methods": NEVER}
    bare = await intents.create_async(order)
    assert bare.status == "requires_payment_method"
    ready = await intents.create_async({**order, "payment_method": "pm_card_visa"})
    assert ready.status == "requires_confirmation"
    assert (await intents.confirm_async(ready.id)).status == "succeeded"


async def test_intent_with_a_token_can_be_confirmed_later(client: Any) -> None:
    """CONFIRM: without confirm the intent waits; confirming attempts its payment method."""
    created = await client.v1.payment_intents.create_async(
        {
            "amount": 4950,
            "currency": "usd",
            "allowed_payment_method_types": ["card"],
            "payment_method_data": {"type": "card", "card": {"token": "tok_visa"}},
            "receipt_email": "ann@example.com",
        },
        options={"idempotency_key": "order-1"},
    )
    assert (created.status, created.latest_charge) == ("requires_confirmation", None)
    for _ in range(2):
        paid = await client.v1.payment_intents.confirm_async(
            created.id, {"use_stripe_sdk": True}, options={"idempotency_key": "order-1-confirm"}
        )
        assert (paid.status, paid.payment_method) == ("succeeded", created.payment_method)
    charge = await client.v1.charges.retrieve_async(paid.latest_charge)
    assert charge.receipt_email == "ann@example.com"
    assert len((await client.v1.charges.list_async()).data) == 1


async def test_confirm_without_return_url_needs_redirects_disabled(pay: Pay) -> None:
    """CREATE: automatic methods may redirect, so confirm needs return_url or never."""
    with pytest.raises(stripe.InvalidRequestError, match="must provide a `return_url`"):
        await pay("pm_card_visa", automatic_payment_methods={"enabled": True})
    there = await pay(
        "pm_card_visa",
        automatic_payment_methods={"enabled": True},
        return_url="https://tickets.example/paid",
    )
    assert there.status == "succeeded"


async def test_payment_method_types_is_read_only(pay: Pay) -> None:
    """ENDIVE: passing payment_method_types is a 400 with a code of its own."""
    with pytest.raises(stripe.InvalidRequestError) as raised:
        await pay("pm_card_visa", payment_method_types=["card"])
    assert error_of(raised).code == "payment_method_types_no_longer_supported"
    assert "card" in (await pay("pm_card_visa")).payment_method_types


async def test_allowed_types_are_filtered_and_exclude_automatic_methods(
    client: Any, pay: Pay
) -> None:
    """ALLOWED: incompatible types are filtered out; automatic_payment_methods cannot be added."""
    allowed = ["card", "konbini"]
    intent = await client.v1.payment_intents.create_async(
        {
            "amount": 2000,
            "currency": "usd",
            "confirm": True,
            "payment_method": "pm_card_visa",
            "allowed_payment_method_types": allowed,
        }
    )
    assert (intent.status, intent.payment_method_types) == ("succeeded", ["card"])
    with pytest.raises(stripe.InvalidRequestError):
        await pay("pm_card_visa", allowed_payment_method_types=allowed)


async def test_processing_bank_debit_can_be_cancelled(client: Any, pay: Pay) -> None:
    """ACH: pm_usBankAccount_processing stays in processing, to test cancelling."""
    intent = await pay("pm_usBankAccount_processing")
    assert intent.status == "processing"
    cancelled = await client.v1.payment_intents.cancel_async(intent.id)
    assert cancelled.status == "canceled"


async def test_cancel_rejects_a_final_intent(client: Any, pay: Pay) -> None:
    """CANCEL: an error if it is already canceled or isn't in a cancelable state."""
    intents = client.v1.payment_intents
    waiting = await pay("pm_card_threeDSecure2Required")
    cancelled = await intents.cancel_async(waiting.id, {"cancellation_reason": "abandoned"})
    assert (cancelled.status, cancelled.cancellation_reason) == ("canceled", "abandoned")
    for over in (waiting, await pay("pm_card_visa")):
        with pytest.raises(stripe.InvalidRequestError) as raised:
            await intents.cancel_async(over.id)
        assert error_of(raised).code == "payment_intent_unexpected_state"


async def test_cancelled_intent_cannot_be_confirmed(client: Any, pay: Pay) -> None:
    """CANCEL: after it's canceled, any operations on the PaymentIntent fail with an error."""
    waiting = await pay("pm_card_threeDSecure2Required")
    await client.v1.payment_intents.cancel_async(waiting.id)
    with pytest.raises(stripe.InvalidRequestError) as raised:
        await client.v1.payment_intents.confirm_async(
            waiting.id, {"payment_method": "pm_card_visa"}
        )
    assert error_of(raised).code == "payment_intent_unexpected_state"
    assert (await client.v1.charges.list_async()).data == []
