"""The migration of stored prices from decimals of major units to integers of minor units."""

from collections.abc import Mapping
from typing import Any

import pymongo
import structlog
from bson import Decimal128
from pymongo import UpdateOne

from ticketing_common.persistence.database import database

BATCH = 500
TIMEOUT_SECONDS = 600
"""Time limit of one batch: the first one reads the whole collection if all is migrated."""

log = structlog.get_logger(__name__)


async def store_prices_in_minor_units(prices: Mapping[str, str]) -> None:
    """Convert the prices that an earlier release stored as decimals.

    A repeated or interrupted run is safe: only decimals are converted, and each in one write. A
    document keeps its version, because its price stays the same.

    Args:
        prices: The field of the price in each collection.
    """
    with pymongo.timeout(TIMEOUT_SECONDS):
        for collection, field in prices.items():
            await _convert(collection, field)


async def _convert(name: str, field: str) -> None:
    collection = database()[name]
    conditions: dict[str, Any] = {field: {"$type": "decimal"}}
    while rows := await collection.find(conditions, [field]).sort("_id").limit(BATCH).to_list():
        updates = []
        for row in rows:
            price = _minor_units(_value_at(row, field))
            if price is None:
                log.error("prices.not_migrated", collection=name, id=str(row["_id"]))
                continue
            is_decimal = {"_id": row["_id"], field: {"$type": "decimal"}}
            updates.append(UpdateOne(is_decimal, {"$set": {field: price}}))
        if updates:
            await collection.bulk_write(updates, ordered=False)
            log.info("prices.migrated", collection=name, count=len(updates))
        conditions["_id"] = {"$gt": rows[-1]["_id"]}


def _value_at(row: Mapping[str, Any], field: str) -> Decimal128:
    value: Any = row
    for name in field.split("."):
        value = value[name]
    assert isinstance(value, Decimal128)
    return value


def _minor_units(price: Decimal128) -> int | None:
    """Return the price in minor units, None if it has more than two decimals or is too large."""
    decimal = price.to_decimal()
    if not decimal.is_finite() or decimal.adjusted() > 15:
        return None
    numerator, denominator = decimal.as_integer_ratio()
    minor_units, rest = divmod(numerator * 100, denominator)
    return None if rest else minor_units
