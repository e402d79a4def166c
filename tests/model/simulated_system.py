"""Tickets, orders and payments with their databases; the test controls broker, clock and Stripe."""

from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import httpx
from nats.aio.client import Client
from pymongo.asynchronous.database import AsyncDatabase
from tests.contract.apps import make_app
from time_machine import Traveller

import orders.app
import orders.handlers
import payments.app
import payments.handlers
import tickets.app
import tickets.handlers
from orders import models as order_models
from orders.ticket_waits import TicketWaits
from payments.jobs.settlement import Settlement
from payments.order_arrivals import OrderArrivals
from payments.stripe.client import StripeClient
from ticketing_common.events import Envelope, ExpirationCompleted, OrderCreated, utc_now
from ticketing_common.messaging.consuming.delivery import Delivery, RetryState
from ticketing_common.messaging.consuming.parking import Parking
from ticketing_common.messaging.listeners import Listeners, Outcome, RetryLater
from ticketing_common.messaging.streams import stream_of
from ticketing_common.persistence import database, outbox, parked_events
from ticketing_common.web.sessions import SECURE_COOKIE, SessionUser
from ticketing_testing import TestEnvironment, session_token
from ticketing_testing.standins import StripeStandInClient
from tickets import models as ticket_models

KEY = "sk_test_model"
GRACE = timedelta(seconds=120)

DOCUMENTS = {
    "tickets": [ticket_models.Ticket, ticket_models.Hold],
    "orders": [order_models.Order, order_models.Reservation, order_models.Ticket],
    "payments": payments.app.DOCUMENTS,
}
LISTENERS: dict[str, Listeners] = {
    "tickets": tickets.handlers.listeners,
    "orders": orders.handlers.listeners,
    "payments": payments.handlers.listeners,
}


@dataclass
class SimulatedDelivery(Delivery):
    """A message of the simulated broker."""

    parking: Parking
    is_acknowledged: bool = False

    async def _handled(self, outcome: Outcome) -> None:
        self.parking.handled(self.event)
        self.is_acknowledged = True

    async def _wait(self, error: RetryLater) -> None:
        self.is_acknowledged = await self.parking.park(self, error, utc_now())

    async def _retry(self, error: Exception, delay: float) -> None:
        """Leave the event to be delivered again."""

    async def _retry_failed(self, error: Exception, delay: float) -> None:
        raise error

    async def _end(self) -> None:
        raise AssertionError("no event may become a dead letter")


class SimulatedSystem:
    """The three services in one process, each with its own database.

    Nothing happens by itself: `deliver` handles an event, `wait` moves the clock, and
    `settle_payments` polls Stripe. `end_order_time` stands for the service expiration.
    """

    def __init__(self, stripe: StripeStandInClient, clock: Traveller) -> None:
        self.stripe = stripe
        self._clock = clock
        self._connections: dict[str, Any] = {}
        self._databases: dict[str, AsyncDatabase[dict[str, Any]]] = {}
        self._clients: dict[str, httpx.AsyncClient] = {}
        self._sessions: Any = None
        self._settlement: Settlement
        self._parking = {
            service: Parking(Client(), listeners) for service, listeners in LISTENERS.items()
        }
        self._forget_events()

    def _forget_events(self) -> None:
        self._published: list[Envelope] = []
        self.pending: dict[str, list[int]] = {service: [] for service in DOCUMENTS}
        self._acknowledged: dict[str, list[int]] = {service: [] for service in DOCUMENTS}
        self._timers: dict[str, datetime] = {}

    @classmethod
    @asynccontextmanager
    async def open(
        cls, mongo_uri: Callable[[str], str], stripe: StripeStandInClient, clock: Traveller
    ) -> AsyncIterator["SimulatedSystem"]:
        """Connect to the databases and create the applications."""
        system = cls(stripe, clock)
        async with AsyncExitStack() as stack:
            stripe_client = StripeClient(KEY, stripe.url)
            stack.push_async_callback(stripe_client.close)
            system._settlement = Settlement(stripe_client, "usd", GRACE)
            for service, documents in DOCUMENTS.items():
                uri = mongo_uri(service)
                await stack.enter_async_context(database.connected(uri, documents))
                system._connections[service] = database._connection
                system._databases[service] = database.database()
                app = make_app(service, TestEnvironment(uri, "nats://nowhere", "redis://nowhere"))
                app.state.settlement = system._settlement
                app.state.order_arrivals = OrderArrivals(max_waits=0)
                app.state.ticket_waits = TicketWaits(max_waits=0)
                app.state.follower.has_all()  # no session ends
                system._clients[service] = await stack.enter_async_context(
                    httpx.AsyncClient(
                        transport=httpx.ASGITransport(app), base_url=f"http://{service}"
                    )
                )
            yield system

    async def reset(self) -> None:
        """Delete all documents, events, timers and faults."""
        for documents in self._databases.values():
            for name in await documents.list_collection_names():
                async for document in documents[name].find({}, {"_id": 1}):
                    await documents[name].delete_one(document)
        await self.stripe.reset()
        self._forget_events()

    @contextmanager
    def _as(self, service: str) -> Iterator[None]:
        """Use the database of a service: a process has only one."""
        previous = database._connection
        database._connection = self._connections[service]
        try:
            yield
        finally:
            database._connection = previous

    async def request(
        self, service: str, user: SessionUser, method: str, path: str, **content: Any
    ) -> httpx.Response:
        """Send a request, and publish the events of its transaction."""
        cookie = {"Cookie": f"{SECURE_COOKIE}={session_token(user)}"}
        with self._as(service):
            response = await self._clients[service].request(
                method, f"/api/{service}{path}", headers=cookie, **content
            )
            await self._relay()
        return response

    async def _relay(self) -> None:
        """Publish the rows of the outbox."""
        rows = await outbox.rows().find().sort("_id", 1).to_list()
        for row in rows:
            self._publish(Envelope(row["subject"], row["body"], row["headers"]))
        await outbox.delete([row["_id"] for row in rows])

    def _publish(self, envelope: Envelope) -> None:
        if envelope.subject == OrderCreated.subject:
            order = envelope.decode(OrderCreated)
            self._timers[order.id] = order.expires_at
        number = len(self._published)
        self._published.append(envelope)
        for service, listeners in LISTENERS.items():
            if listeners.of(envelope.subject) is not None:
                self.pending[service].append(number)

    async def deliver(self, service: str, index: int) -> bool:
        """Deliver one of a service's pending events. Returns False if it must be redelivered.

        The service handles it, or parks it until the event that it waits for is handled.
        """
        number = self.pending[service][index]
        if not await self._handle(service, number):
            return False
        self.pending[service].remove(number)
        self._acknowledged[service].append(number)
        return True

    async def deliver_all(self, service: str) -> bool:
        """Deliver a service's pending events in order. Returns whether it acknowledged any."""
        numbers = list(self.pending[service])
        return any(
            [await self.deliver(service, self.pending[service].index(each)) for each in numbers]
        )

    async def redeliver(self, service: str, index: int) -> None:
        """Deliver an event that the service has acknowledged before, if there is one."""
        acknowledged = self._acknowledged[service]
        if acknowledged:
            await self._handle(service, acknowledged[index % len(acknowledged)])

    async def _handle(self, service: str, number: int) -> bool:
        envelope, listeners = self._published[number], LISTENERS[service]
        listener = listeners.of(envelope.subject)
        assert listener is not None
        delivery = SimulatedDelivery(
            listener,
            envelope,
            js=Client().jetstream(),
            stream=stream_of(listener.event),
            sequence=number,
            state=RetryState(),
            parking=self._parking[service],
        )
        with self._as(service):
            await delivery.run(listeners)
            await self._parking[service].finish()
            await self._relay()
        return delivery.is_acknowledged

    async def sweep(self, service: str) -> None:
        """Try a service's parked events that are due."""
        with self._as(service):
            await self._parking[service].sweep()
            await self._parking[service].finish()
            await self._relay()

    def wait(self, seconds: float) -> None:
        """Move the clock forward."""
        self._clock.shift(seconds)

    def end_order_time(self, order_id: str) -> bool:
        """Publish an order's ExpirationCompleted, unless it is too early or was published."""
        if self._timers.get(order_id, utc_now()) >= utc_now():
            return False
        del self._timers[order_id]
        event = ExpirationCompleted(order_id=order_id)
        self._publish(Envelope.encode(event, id=order_id, time=utc_now(), trace={}))
        return True

    async def settle_payments(self) -> None:
        """Poll Stripe for the payments that are due."""
        with self._as("payments"):
            await self._settlement.settle_due()
            await self._relay()

    async def run_until_quiet(self, rounds: int = 200) -> None:
        """Deliver everything and move the clock, without faults, until nothing more happens."""
        await self.stripe.reset()
        for _ in range(rounds):
            while any([await self.deliver_all(service) for service in DOCUMENTS]):
                pass
            for service in DOCUMENTS:
                await self.sweep(service)
            if not (
                any(self.pending.values())
                or self._timers
                or await self._parked()
                or await self._awaits_stripe()
            ):
                return
            for order_id in list(self._timers):
                self.end_order_time(order_id)
            await self.settle_payments()
            self.wait(60)
        pending = {
            service: [self._published[number].subject for number in numbers]
            for service, numbers in self.pending.items()
        }
        left = f"{pending}, {self._timers}, {await self._parked()}"
        raise AssertionError(f"Events, timers or parked events are left: {left}")

    async def _parked(self) -> list[str]:
        """Return why events are still parked."""
        rows = [await self.rows(service, parked_events.COLLECTION) for service in DOCUMENTS]
        return [row["reason"] for parked in rows for row in parked]

    async def _awaits_stripe(self) -> bool:
        rows = await self.rows("payments", "payments")
        return any(
            row["status"] in ("started", "needs-confirmation", "refund-pending") for row in rows
        )

    async def rows(self, service: str, collection: str, **query: Any) -> list[dict[str, Any]]:
        """Return the documents of a service's collection."""
        return await self._databases[service][collection].find(query).to_list()

    async def charged_orders(self) -> set[str]:
        """Return the orders that Stripe has charged, refunded or not."""
        charges = (await self.stripe.get("/v1/charges", limit=100))["data"]
        return {charge["metadata"]["order_id"] for charge in charges if charge["paid"]}

    async def net_charges(self) -> dict[str, int]:
        """Return the charges less the refunds, in cents, by order."""
        net: dict[str, int] = defaultdict(int)
        for charge in (await self.stripe.get("/v1/charges", limit=100))["data"]:
            if charge["paid"]:
                order_id = charge["metadata"]["order_id"]
                net[order_id] += charge["amount"] - charge["amount_refunded"]
        return net
