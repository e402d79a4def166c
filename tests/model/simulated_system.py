"""The services' real rules and stores, on a bus and a clock that wait for us."""

from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from datetime import datetime, timedelta
from typing import Any

import httpx
from pymongo.asynchronous.database import AsyncDatabase
from tests.contract.apps import make_app
from time_machine import Traveller

from orders import models as orders
from payments.app import DOCUMENTS
from payments.jobs.settlement import Settlement
from payments.stripe.client import StripeClient
from ticketing_common.errors import Unavailable
from ticketing_common.events import (
    Envelope,
    ExpirationCompleted,
    OrderCreated,
    utc_now,
)
from ticketing_common.messaging.listeners import End, Listeners, RetryLater
from ticketing_common.persistence import database, outbox
from ticketing_common.web.sessions import COOKIE, SessionCutoff, SessionUser
from ticketing_dev.tools.diagram import subscription_lists
from ticketing_testing import TestEnvironment
from ticketing_testing.standins import StripeStandInClient
from tickets import models as tickets

KEY = "sk_test_model"
GRACE = timedelta(seconds=120)

KEPT = {
    "tickets": [tickets.Ticket, tickets.Hold],
    "orders": [orders.Order, orders.Reservation, orders.Ticket],
    "payments": DOCUMENTS,
}
LISTS: dict[str, Listeners] = {
    listed.service: listed for listed in subscription_lists() if listed.service in KEPT
}


class Market:
    """Tickets, orders and payments, each with its database, and what they have told one another.

    Nothing happens by itself: an event is heard when `deliver` is called, time passes by `wait`,
    and Stripe is looked at in a `sweep`. Expiration is no more than `time_is_over`.
    """

    def __init__(self, stripe: StripeStandInClient, clock: Traveller) -> None:
        self.stripe = stripe
        self._clock = clock
        self._databases: dict[str, AsyncDatabase[dict[str, Any]]] = {}
        self._doors: dict[str, httpx.AsyncClient] = {}
        self._sessions: Any = None
        self._settlement: Settlement
        self._clear()

    def _clear(self) -> None:
        self._told: list[Envelope] = []
        self.waiting: dict[str, list[int]] = {service: [] for service in KEPT}
        self._heard: dict[str, list[int]] = {service: [] for service in KEPT}
        self._timers: dict[str, datetime] = {}

    @classmethod
    @asynccontextmanager
    async def open(
        cls, mongo_uri: Callable[[str], str], stripe: StripeStandInClient, clock: Traveller
    ) -> AsyncIterator["Market"]:
        market = cls(stripe, clock)
        gateway = StripeClient(KEY, stripe.url)
        market._settlement = Settlement(gateway, "usd", GRACE)
        async with AsyncExitStack() as stack:
            stack.push_async_callback(gateway.close)
            for service, documents in KEPT.items():
                uri = mongo_uri(service)
                await stack.enter_async_context(
                    database.connected(uri, [*documents, SessionCutoff])
                )
                market._databases[service] = database.database()
                app = make_app(service, TestEnvironment(uri, "nats://nowhere", "redis://nowhere"))
                app.state.settlement = market._settlement
                market._sessions = app.state.sessions
                market._doors[service] = await stack.enter_async_context(
                    httpx.AsyncClient(
                        transport=httpx.ASGITransport(app), base_url=f"http://{service}"
                    )
                )
            yield market

    async def empty(self) -> None:
        """Forget all that was."""
        for kept in self._databases.values():
            for name in await kept.list_collection_names():
                await kept[name].delete_many({})
        await self.stripe.reset()
        self._clear()

    @contextmanager
    def _in(self, service: str) -> Iterator[None]:
        """Be the process of a service: each has one database."""
        before = database._open
        database._open = self._databases[service]
        try:
            yield
        finally:
            database._open = before

    async def ask(
        self, service: str, user: SessionUser, method: str, path: str, **sent: Any
    ) -> httpx.Response:
        """A request, and what it has the service tell."""
        cookie = {"Cookie": f"{COOKIE}={self._sessions.issue(user)}"}
        with self._in(service):
            answer = await self._doors[service].request(
                method, f"/api/{service}{path}", headers=cookie, **sent
            )
            await self._relay()
        return answer

    async def _relay(self) -> None:
        """Put what is committed on the bus."""
        rows = await outbox.rows().find().sort("_id", 1).to_list()
        for row in rows:
            self._publish(Envelope(row["subject"], row["body"], row["headers"]))
        await outbox.forget([row["_id"] for row in rows])

    def _publish(self, envelope: Envelope) -> None:
        if envelope.subject == OrderCreated.subject:
            order = envelope.decode(OrderCreated)
            self._timers[order.id] = order.expires_at
        number = len(self._told)
        self._told.append(envelope)
        for service, listeners in LISTS.items():
            if listeners.of(envelope.subject) is not None:
                self.waiting[service].append(number)

    async def deliver(self, service: str, place: int) -> bool:
        """Have a service hear one of the events that wait for it; whether it could."""
        number = self.waiting[service][place]
        if await self._hear(service, number) is None:
            return False
        self.waiting[service].remove(number)
        self._heard[service].append(number)
        return True

    async def deliver_all(self, service: str) -> bool:
        """Have it hear all that waits for it, in order; whether it heard any."""
        numbers = list(self.waiting[service])
        return any(
            [await self.deliver(service, self.waiting[service].index(each)) for each in numbers]
        )

    async def deliver_again(self, service: str, which: int) -> End | None:
        """Have it hear one that it has heard before; None where it has heard none."""
        heard = self._heard[service]
        return await self._hear(service, heard[which % len(heard)]) if heard else None

    async def _hear(self, service: str, number: int) -> End | None:
        envelope, listeners = self._told[number], LISTS[service]
        listener = listeners.of(envelope.subject)
        assert listener is not None
        with self._in(service):
            try:
                end = await listeners.deliver(envelope.decode(listener.event), envelope.id)
            except (RetryLater, Unavailable):
                return None
            await self._relay()
        return end

    def wait(self, seconds: float) -> None:
        self._clock.shift(seconds)

    def time_is_over(self, order_id: str) -> bool:
        """Have expiration tell so, if it may and has not yet; at any time after, as it may be
        late."""
        if self._timers.get(order_id, utc_now()) >= utc_now():
            return False
        del self._timers[order_id]
        event = ExpirationCompleted(order_id=order_id)
        self._publish(Envelope.encode(event, id=order_id, time=utc_now(), trace={}))
        return True

    async def sweep(self) -> None:
        """Have payments look at what is due."""
        with self._in("payments"):
            await self._settlement.settle_due()
            await self._relay()

    async def come_to_rest(self, rounds: int = 200) -> None:
        """Good days: deliver everything, let time pass, until nothing more happens."""
        await self.stripe.reset()
        for _ in range(rounds):
            while any([await self.deliver_all(service) for service in KEPT]):
                pass
            if not (any(self.waiting.values()) or self._timers or await self._awaits_stripe()):
                return
            for order_id in list(self._timers):
                self.time_is_over(order_id)
            await self.sweep()
            self.wait(60)
        stuck = {
            service: [self._told[number].subject for number in numbers]
            for service, numbers in self.waiting.items()
        }
        raise AssertionError(f"It never came to rest: {stuck}, {self._timers}")

    async def _awaits_stripe(self) -> bool:
        payments = await self.rows("payments", "payments")
        return any(
            payment["status"] in ("started", "needs-confirmation", "refund-pending")
            for payment in payments
        )

    async def rows(self, service: str, kept: str, **wanted: Any) -> list[dict[str, Any]]:
        """What a service has in one of its collections."""
        return await self._databases[service][kept].find(wanted).to_list()

    async def ever_charged(self) -> set[str]:
        """The orders that Stripe has taken money for, given back or not."""
        charges = (await self.stripe.get("/v1/charges", limit=100))["data"]
        return {charge["metadata"]["order_id"] for charge in charges if charge["paid"]}

    async def money(self) -> dict[str, int]:
        """What Stripe has taken and not given back, in cents, by order."""
        taken: dict[str, int] = defaultdict(int)
        for charge in (await self.stripe.get("/v1/charges", limit=100))["data"]:
            if charge["paid"]:
                order_id = charge["metadata"]["order_id"]
                taken[order_id] += charge["amount"] - charge["amount_refunded"]
        return taken
