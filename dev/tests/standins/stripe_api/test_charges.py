"""Charges: amounts, statement descriptors, metadata and refunds."""

from typing import Any

import pytest
import stripe
from dev.tests.standins.stripe_api.sdk import Pay, error_of


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"amount": 49}, "amount_too_small"),
        ({"amount": 29, "currency": "gbp"}, "amount_too_small"),
        ({"amount": 100_000_000}, "amount_too_large"),
        ({"amount": 0}, "parameter_invalid_integer"),
        ({"amount": "20.00"}, "parameter_invalid_integer"),
        ({"amount": None}, "parameter_missing"),
    ],
)
async def test_create_rejects_amounts_outside_the_limits(
    pay: Pay, change: dict[str, Any], code: str
) -> None:
    """CURRENCIES: the minimum is $0.50, and an amount has at most eight digits."""
    with pytest.raises(stripe.InvalidRequestError) as raised:
        await pay("pm_card_visa", **change)
    assert (error_of(raised).code, error_of(raised).param) == (code, "amount")


async def test_create_accepts_minimum_and_maximum_amounts(pay: Pay) -> None:
    """CURRENCIES: $0.50 and $999,999.99 are within the limits."""
    assert (await pay("pm_card_visa", amount=50)).status == "succeeded"
    assert (await pay("pm_card_visa", amount=99_999_999)).status == "succeeded"


@pytest.mark.parametrize(
    ("suffix", "message"),
    [
        ("ORDER 1A2B3C", None),
        ("12345678", "at least one Latin character"),
        ("ORDER <1>", "cannot include <"),
        ("ORDER*1", "cannot include [*]"),
        ("TICKET \N{CYRILLIC CAPITAL LETTER A}", "only Latin characters"),
        ("ORDER 1A2B3C4D", "at most 22 characters"),
    ],
)
async def test_statement_descriptor_has_prefix_and_suffix_of_22_characters(
    client: Any, pay: Pay, suffix: str, message: str | None
) -> None:
    """DESCRIPTORS: the concatenation of prefix, `* ` and suffix obeys the requirements."""
    if message is None:
        paid = await pay("pm_card_visa", statement_descriptor_suffix=suffix)
        charge = await client.v1.charges.retrieve_async(paid.latest_charge)
        assert charge.calculated_statement_descriptor == f"TICKETS* {suffix}"
    else:
        with pytest.raises(stripe.InvalidRequestError, match=message) as raised:
            await pay("pm_card_visa", statement_descriptor_suffix=suffix)
        assert error_of(raised).param == "statement_descriptor_suffix"


async def test_metadata_is_returned_and_copied_to_the_charge(client: Any, pay: Pay) -> None:
    """METADATA: key-value pairs, copied from a PaymentIntent to the charges it makes."""
    intent = await pay("pm_card_visa", metadata={"order": "665", "buyer": "a&b=c"})
    assert intent.metadata.to_dict() == {"order": "665", "buyer": "a&b=c"}
    charge = await client.v1.charges.retrieve_async(intent.latest_charge)
    assert charge.metadata.to_dict() == {"order": "665", "buyer": "a&b=c"}
    with pytest.raises(stripe.InvalidRequestError):
        await pay("pm_card_visa", metadata={"order": "x" * 501})


async def test_charge_includes_refunds_only_when_expanded(client: Any, pay: Pay) -> None:
    """CHARGE: `refunds` is expandable, and is not included by default."""
    intent = await pay("pm_card_visa")
    refund = await client.v1.refunds.create_async({"payment_intent": intent.id, "amount": 500})
    retrieve = client.v1.payment_intents.retrieve_async
    plain = (await retrieve(intent.id, {"expand": ["latest_charge"]})).latest_charge
    assert (plain.amount_refunded, plain.refunded, plain.disputed) == (500, False, False)
    assert "refunds" not in plain
    whole = (await retrieve(intent.id, {"expand": ["latest_charge.refunds"]})).latest_charge
    assert [each.id for each in whole.refunds.data] == [refund.id]
