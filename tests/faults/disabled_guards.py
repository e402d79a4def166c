"""Each guard of the market, and how to do without it: what a suite of faults must notice.

A service of a sabotaged stage is this module's `<service>` factory, told by SABOTAGE which guard
it is to do without. Nothing of this is in the services themselves.
"""

import os
from collections.abc import Awaitable, Callable
from dataclasses import replace
from importlib import import_module
from typing import Any

from fastapi import FastAPI

VARIABLE = "SABOTAGE"


def swap(owner: Any, name: str, other: Any) -> None:
    setattr(owner, name, other)


def without_reservations() -> None:
    """Whoever comes gets the ticket, whoever has it already."""
    from orders.models import Reservation

    async def nobody(*_: Any, **__: Any) -> None:
        return None

    swap(Reservation, "get", nobody)
    swap(Reservation, "insert", Reservation.save)


def without_versions() -> None:
    """A copy takes whatever it hears, in whatever order it comes."""
    from beanie import PydanticObjectId

    from ticketing_common.events import VersionedEvent
    from ticketing_common.messaging import listeners

    def replicate(handler: Any, event: VersionedEvent, replica: Any) -> Awaitable[None]:
        async def take() -> None:
            copy = await replica.get(PydanticObjectId(event.id))
            if event.version == 0 or copy is None:
                if copy is None and event.version == 0:
                    await handler(event)
                return
            await handler(event, copy)
            await copy.save()

        return take()

    swap(listeners, "_replicate", replicate)


def without_an_inbox() -> None:
    """Every delivery is noted, and is news."""
    from ticketing_common.messaging import listeners
    from ticketing_common.persistence.database import database

    class Inbox:
        async def insert_one(self, row: dict[str, Any]) -> None:
            await database()["inbox"].replace_one({"_id": row["_id"]}, row, upsert=True)

    class Database:
        def __getitem__(self, name: str) -> Any:
            return Inbox() if name == "inbox" else database()[name]

    swap(listeners, "database", Database)


def without_the_relays_sweep() -> None:
    """What a crash left in the outbox stays there."""
    from ticketing_common.persistence import outbox

    async def none(*_: Any) -> list[str]:
        return []

    swap(outbox, "keys_waiting_since", none)


def without_idempotency_keys() -> None:
    """A request that is sent again is done again."""
    from ticketing_common.web import idempotency

    async def take(*_: Any) -> None:
        return None

    swap(idempotency._Claim, "take", take)
    swap(idempotency._Claim, "store", take)
    swap(idempotency._Claim, "drop", take)


def without_refunds() -> None:
    """A charge that comes too late is kept."""
    from payments.domain.documents import Payment

    def keep(self: Payment, reason: str) -> None:
        self.reason = reason

    swap(Payment, "request_refund", keep)


def without_payments_word() -> None:
    """An order ends with its time where orders itself has heard of no payment."""
    from orders import handlers
    from orders.rules import cancel
    from ticketing_common.events import CancelReason, ExpirationCompleted, OrderStatus

    async def end_at_once(event: ExpirationCompleted) -> None:
        order = await handlers._order(event.order_id)
        if order.status == OrderStatus.CREATED:
            await cancel(order, CancelReason.EXPIRED)
        else:
            await handlers.end_the_time(event)

    heard = handlers.listeners._by_subject
    subject = ExpirationCompleted.subject
    heard[subject] = replace(heard[subject], handler=end_at_once)


GUARDS: dict[str, tuple[Callable[[], None], tuple[str, ...]]] = {
    "reservation": (without_reservations, ("orders",)),
    "version check": (without_versions, ("orders", "payments", "contact")),
    "inbox": (without_an_inbox, ("tickets", "orders", "contact")),
    "relay's sweep": (without_the_relays_sweep, ("auth", "tickets", "orders", "payments")),
    "idempotency key": (without_idempotency_keys, ("tickets", "orders")),
    "refund of a late payment": (without_refunds, ("payments",)),
    "payments' word": (without_payments_word, ("orders",)),
}
"""By name: what takes it away, and from which services."""


def _app(service: str) -> FastAPI:
    guard = os.environ.get(VARIABLE, "")
    if guard:
        take_away, services = GUARDS[guard]
        if service in services:
            take_away()
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
