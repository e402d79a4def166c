"""The guards of the system, and how to disable each one: the fault run must then fail.

A stack without a guard runs each service from this module's factory of its name. The environment
variable DISABLED_GUARD names the guard. DISABLED_GUARD_COUNT names a file that gets one character
for each case that the guard would have stopped. Nothing of this is in the services themselves.
"""

import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import Any

from fastapi import FastAPI

VARIABLE = "DISABLED_GUARD"
COUNT_VARIABLE = "DISABLED_GUARD_COUNT"


def count_provoked() -> None:
    """Count a case that the guard would have stopped."""
    with Path(os.environ[COUNT_VARIABLE]).open("a") as file:
        file.write(".")


def patch(owner: Any, name: str, replacement: Any) -> None:
    setattr(owner, name, replacement)


def disable_reservations() -> None:
    """Let every order have its ticket, also a reserved one."""
    from orders.models import Reservation

    async def save(reservation: Reservation) -> Reservation:
        if await Reservation.get(reservation.id) is not None:
            count_provoked()
        return await reservation.save()

    patch(Reservation, "insert", save)


def disable_version_checks() -> None:
    """Update copies with events in any order."""
    from beanie import PydanticObjectId

    from ticketing_common.events import VersionedEvent
    from ticketing_common.messaging import listeners

    async def count_gap(event: VersionedEvent, document: Any) -> Any:
        copy = await document.get(PydanticObjectId(event.id))
        if event.version != (-1 if copy is None else copy.version) + 1:
            count_provoked()
        return copy

    async def write(document: Any, event: VersionedEvent, fields: Mapping[str, Any]) -> None:
        copy = await count_gap(event, document)
        if event.version > 0 and copy is not None:
            for name, value in fields.items():
                setattr(copy, name, value)
            await copy.save()
        elif event.version == 0 and copy is None:
            await document.model_validate({"id": event.id, **fields}).insert()

    async def update(listener: Any, event: VersionedEvent, document: Any) -> None:
        copy = await count_gap(event, document)
        if event.version > 0 and copy is not None:
            await listener.handler(event, copy)
        elif event.version == 0 and copy is None:
            await listener.handler(event)

    patch(listeners, "write_copy", write)
    patch(listeners, "_update_copy", update)


def disable_inbox() -> None:
    """Handle every delivery, also of an event that was handled before."""
    from ticketing_common.messaging import listeners
    from ticketing_common.persistence.database import database

    class Inbox:
        async def insert_one(self, row: dict[str, Any]) -> None:
            result = await database()["inbox"].replace_one({"_id": row["_id"]}, row, upsert=True)
            if result.matched_count > 0:
                count_provoked()

    class Database:
        def __getitem__(self, name: str) -> Any:
            return Inbox() if name == "inbox" else database()[name]

    patch(listeners, "database", Database)


def disable_parked_events() -> None:
    """Never handle an event that was parked."""
    from ticketing_common.messaging.consuming.parking import Parking

    async def nothing(self: Parking) -> None:
        return None

    patch(Parking, "try_waiting", lambda self, aggregate_id, version: count_provoked())
    patch(Parking, "sweep", nothing)


def disable_relay_sweep() -> None:
    """Never publish the outbox rows that a crash left."""
    from ticketing_common.events import utc_now
    from ticketing_common.persistence import outbox

    find = outbox.due

    async def none(before: datetime, *arguments: Any, **options: Any) -> dict[str, str]:
        if await find(min(before, utc_now()), *arguments, **options):
            count_provoked()
        return {}

    patch(outbox, "due", none)


def disable_idempotency_keys() -> None:
    """Run a repeated request again."""
    from ticketing_common.errors import Conflict, ServiceError
    from ticketing_common.web.idempotency import _Claim

    acquire, store = _Claim.acquire, _Claim.store

    async def run_again(self: _Claim) -> None:
        try:
            repeated = await acquire(self) is not None
        except ServiceError:
            repeated = True
        if repeated:
            count_provoked()

    async def store_first(self: _Claim, status: int, body: bytes) -> None:
        with suppress(Conflict):
            await store(self, status, body)

    patch(_Claim, "acquire", run_again)
    patch(_Claim, "store", store_first)


def disable_refunds() -> None:
    """Keep a charge that succeeds too late."""
    from payments.domain.documents import Payment

    def keep(self: Payment, reason: str) -> None:
        count_provoked()
        self.reason = reason

    patch(Payment, "request_refund", keep)


def disable_payment_check() -> None:
    """Expire orders without the question to payments whether they are paid."""
    from orders import handlers
    from orders.rules import cancel_order
    from ticketing_common.events import CancelReason, ExpirationCompleted, OrderStatus

    async def expire_at_once(event: ExpirationCompleted) -> None:
        order = await handlers._load_order(event.order_id)
        if order.status == OrderStatus.CREATED:
            count_provoked()
            await cancel_order(order, CancelReason.EXPIRED)
        else:
            await handlers.publish_order_overdue(event)

    by_subject = handlers.listeners._by_subject
    subject = ExpirationCompleted.subject
    by_subject[subject] = replace(by_subject[subject], handler=expire_at_once)


GUARDS: dict[str, tuple[Callable[[], None], tuple[str, ...]]] = {
    "reservation": (disable_reservations, ("orders",)),
    "version check": (disable_version_checks, ("orders", "payments", "contact")),
    "inbox": (disable_inbox, ("tickets", "orders", "contact")),
    "parked events": (disable_parked_events, ("orders",)),
    "relay sweep": (disable_relay_sweep, ("auth", "tickets", "orders", "payments")),
    "idempotency key": (disable_idempotency_keys, ("tickets", "orders")),
    "refund of a late payment": (disable_refunds, ("payments",)),
    "payment check": (disable_payment_check, ("orders",)),
}
"""By name: the function that disables it, and the services that have it."""


def _app(service: str) -> FastAPI:
    guard = os.environ.get(VARIABLE, "")
    if guard:
        disable, services = GUARDS[guard]
        if service in services:
            disable()
    app: FastAPI = import_module(f"{service}.app").create_app()
    return app


def auth() -> FastAPI:
    return _app("auth")


def tickets() -> FastAPI:
    return _app("tickets")


def orders() -> FastAPI:
    return _app("orders")


def payments() -> FastAPI:
    return _app("payments")


def expiration() -> FastAPI:
    return _app("expiration")


def contact() -> FastAPI:
    return _app("contact")
