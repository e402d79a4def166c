from typing import Any

from bson import ObjectId
from services.payments.tests.conftest import Action, Purchase

from payments.domain.documents import Payment
from ticketing_common.events import utc_now
from ticketing_testing import eventually


async def insert_invalid_payments(purchase: Purchase) -> None:
    """Insert rows that no release writes, due before the payment of the purchase."""
    collection = Payment.get_pymongo_collection()
    row = await collection.find_one({"order_id": purchase.order.id})
    assert row is not None
    invalid: list[dict[str, Any]] = [
        {"status": "lost"},
        {"amount": 1234567890123456},
        {"amount": "x"},
        {"pay_by": None},
        {"polls": "x"},
    ]
    for attempt, changes in enumerate(invalid, start=10):
        due = {"_id": ObjectId(), "attempt": attempt, "next_poll_at": utc_now()}
        await collection.insert_one(row | due | changes)


async def test_list_payments_omits_an_invalid_row(purchase: Purchase) -> None:
    payment = (await purchase.pay()).json()

    await insert_invalid_payments(purchase)

    assert [each["id"] for each in await purchase.payments()] == [payment["id"]]


async def test_sweep_settles_other_payments_than_an_invalid_one(
    purchase: Purchase, poll_payments: Action
) -> None:
    await purchase.pay("tok_threeDSecure2Required")
    await insert_invalid_payments(purchase)

    await poll_payments()

    async def is_polled() -> bool:
        row = await Payment.get_pymongo_collection().find_one({"attempt": 1})
        return row is not None and row["polls"] > 1

    await eventually(is_polled)
