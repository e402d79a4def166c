"""The migration of prices over a real store of an earlier release."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest
from bson import Decimal128, ObjectId
from pymongo.asynchronous.collection import AsyncCollection

from ticketing_common.persistence import database, price_migration
from ticketing_common.persistence.price_migration import store_prices_in_minor_units

pytestmark = pytest.mark.usefixtures("served")

PRICES = {"tickets": "price", "orders": "ticket.price"}


def collection(name: str) -> AsyncCollection[dict[str, Any]]:
    return database.database()[name]


async def stored_prices() -> list[Any]:
    tickets = await collection("tickets").find().sort("_id").to_list()
    orders = await collection("orders").find().sort("_id").to_list()
    return [*(row["price"] for row in tickets), *(row["ticket"]["price"] for row in orders)]


async def insert(*prices: str) -> None:
    """Insert tickets and orders with these decimals."""
    await collection("tickets").insert_many(
        {"_id": ObjectId(), "version": 3, "price": Decimal128(price)} for price in prices
    )
    await collection("orders").insert_many(
        {"_id": ObjectId(), "ticket": {"title": "Concert", "price": Decimal128(price)}}
        for price in prices
    )


def in_minor_units(prices: Sequence[str]) -> list[int]:
    """Return the prices of the tickets and of the orders after the migration."""
    return [int(Decimal(price) * 100) for price in prices] * 2


async def test_migration_converts_decimals() -> None:
    prices = ("25", "19.99", "0.01", "100.5", "1E+2", "1000000.00", "0.50")
    await insert(*prices)

    await store_prices_in_minor_units(PRICES)

    assert await stored_prices() == in_minor_units(prices)
    assert {type(price) for price in await stored_prices()} == {int}
    assert await collection("tickets").count_documents({"version": 3}) == 7
    assert await collection("orders").count_documents({"ticket.title": "Concert"}) == 7


async def test_migration_converts_nothing_twice() -> None:
    await insert("25", "0.01")

    for _ in range(3):
        await store_prices_in_minor_units(PRICES)

    assert await stored_prices() == in_minor_units(["25", "0.01"])


async def test_migration_continues_after_an_interruption(monkeypatch: pytest.MonkeyPatch) -> None:
    prices = [f"{number}.25" for number in range(1, 30)]
    await insert(*prices)
    monkeypatch.setattr(price_migration, "BATCH", 4)
    bulk_write = AsyncCollection.bulk_write
    batches = 0

    async def killed_after_two(self: Any, *args: Any, **options: Any) -> Any:
        nonlocal batches
        batches += 1
        if batches == 3:
            raise KeyboardInterrupt
        return await bulk_write(self, *args, **options)

    with monkeypatch.context() as patch:
        patch.setattr(AsyncCollection, "bulk_write", killed_after_two)
        with pytest.raises(KeyboardInterrupt):
            await store_prices_in_minor_units(PRICES)
    half = {type(price) for price in await stored_prices()}
    await store_prices_in_minor_units(PRICES)

    assert half == {int, Decimal128}
    assert await stored_prices() == in_minor_units(prices)


async def test_migration_leaves_values_that_are_no_prices() -> None:
    await insert("12.345", "NaN", "Infinity", "1E+6000", "7." + 30 * "0" + "1", "7")

    await store_prices_in_minor_units(PRICES)

    prices = await stored_prices()
    assert [price for price in prices if isinstance(price, int)] == [7_00, 7_00]
    assert len([price for price in prices if isinstance(price, Decimal128)]) == 10
