"""A small consistent data set in all stores, as the services leave it when they are idle."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import httpx
from bson import ObjectId
from nats.js import JetStreamContext
from pymongo.asynchronous.database import AsyncDatabase
from redis.asyncio import Redis

from ticketing_common.events import (
    CancelReason,
    DomainEvent,
    Envelope,
    OrderCancelled,
    OrderCompleted,
    OrderCreated,
    OrderedTicket,
    OrderStatus,
    PaymentCreated,
    PaymentStarted,
    TicketCreated,
    TicketDeleted,
    TicketRef,
    TicketUpdated,
    UserChangedPassword,
    UserSignedUp,
    utc_now,
)
from ticketing_common.messaging.provisioning import provision
from ticketing_common.messaging.streams import consumers, filter_subjects_of
from ticketing_dev.tools.events.service_listeners import service_listeners
from ticketing_ops.audit.streams import acknowledged_sequence, next_message
from ticketing_ops.subscriptions import consumed_events
from ticketing_testing.timeouts import TIMEOUT_SECONDS

Databases = Mapping[str, AsyncDatabase[dict[str, Any]]]
PRICE = 25_00


@dataclass
class Shop:
    """A seller, a buyer, and four tickets: sold, free after a cancelled order, held, deleted."""

    databases: Databases
    js: JetStreamContext
    redis: Redis
    stripe: httpx.AsyncClient
    seller: str = field(default_factory=lambda: str(ObjectId()))
    buyer: str = field(default_factory=lambda: str(ObjectId()))
    sold: str = field(default_factory=lambda: str(ObjectId()))
    free: str = field(default_factory=lambda: str(ObjectId()))
    held: str = field(default_factory=lambda: str(ObjectId()))
    deleted: str = field(default_factory=lambda: str(ObjectId()))
    complete: str = field(default_factory=lambda: str(ObjectId()))
    cancelled: str = field(default_factory=lambda: str(ObjectId()))
    waiting: str = field(default_factory=lambda: str(ObjectId()))
    payment: str = field(default_factory=lambda: str(ObjectId()))
    intent: str = ""
    charge: str = ""
    event_ids: dict[tuple[str, str], str] = field(default_factory=dict)
    """The events' ids, by subject and aggregate."""
    started_at: datetime = field(default_factory=utc_now)
    _rows: dict[tuple[str, str], list[dict[str, Any]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    _snapshot: dict[tuple[str, str], list[dict[str, Any]]] = field(default_factory=dict)

    @property
    def expires_at(self) -> datetime:
        return self.started_at + timedelta(minutes=5)

    async def open(self) -> None:
        """Fill all stores."""
        await provision(self.js, consumed_events())
        self.intent, self.charge = await self.charge_order(self.complete, self.payment)
        self._put_documents()
        for event in self._events():
            event_id = await self.publish(event)
            self._put_inbox_rows(event_id, event)
            self.event_ids[event.subject, event.aggregate_id] = event_id
        for (service, collection), rows in self._rows.items():
            await self.databases[service][collection].insert_many(rows)
        await self.acknowledge_all()
        await self.redis.zadd("arq:queue", {self.waiting: self.expires_at.timestamp() * 1000})

    async def publish(self, event: DomainEvent, id: str | None = None) -> str:
        """Publish an event, and return its id."""
        event_id = id or str(ObjectId())
        envelope = Envelope.encode(event, id=event_id, time=utc_now(), trace={})
        await self.js.publish(envelope.subject, envelope.body, headers=dict(envelope.headers))
        return event_id

    def _put_inbox_rows(self, event_id: str, event: DomainEvent) -> None:
        """Mark an event as handled in the inbox of each consumer."""
        for listeners in service_listeners():
            listener = listeners.of(event.subject)
            if listener is not None and listener.copy is None and listener.proof is None:
                self._put(listeners.service, "inbox", _id=event_id, handled_at=utc_now())

    async def acknowledge_all(self) -> None:
        """Acknowledge every pending event of every consumer."""
        for listeners in service_listeners():
            for stream, consumer in consumers(listeners).items():
                while count := await self._pending(
                    stream, listeners.service, filter_subjects_of(consumer)
                ):
                    await self._acknowledge(stream, listeners.service, count)

    async def _pending(self, stream: str, service: str, subjects: list[str]) -> int:
        """Return the number of pending events, at least 1 if there is any.

        A consumer's own count lags behind the stream for a moment.
        """
        info = await self.js.consumer_info(stream, service)
        first = await next_message(self.js, stream, acknowledged_sequence(info), subjects)
        return max(1, info.num_pending or 0) if first is not None else 0

    async def _acknowledge(self, stream: str, service: str, count: int) -> None:
        subscription = await self.js.pull_subscribe_bind(service, stream=stream)
        for message in await subscription.fetch(count, timeout=TIMEOUT_SECONDS):
            await message.ack_sync()
        await subscription.unsubscribe()

    async def charge_order(self, order: str, payment: str) -> tuple[str, str]:
        """Create a successful charge at Stripe, and return the ids of its intent and itself."""
        request = {
            "amount": PRICE,
            "currency": "usd",
            "confirm": "true",
            "payment_method": "pm_card_visa",
            "allowed_payment_method_types[0]": "card",
            "metadata[order_id]": order,
            "metadata[payment_id]": payment,
        }
        response = await self.stripe.post("/v1/payment_intents", data=request)
        intent = response.raise_for_status().json()
        return intent["id"], intent["latest_charge"]

    async def refund_charge(self, charge: str, **amount: int) -> None:
        """Refund a charge, or an amount of it, at Stripe."""
        response = await self.stripe.post("/v1/refunds", data={"charge": charge, **amount})
        response.raise_for_status()

    async def insert(self, service: str, collection: str, **row: Any) -> None:
        await self.databases[service][collection].insert_one(_row(row))

    async def change(self, service: str, collection: str, id: str, **fields: Any) -> None:
        rows = self.databases[service][collection]
        changed = await rows.update_one({"_id": ObjectId(id)}, {"$set": fields})
        assert changed.matched_count == 1

    async def remove(self, service: str, collection: str, id: str) -> None:
        rows = self.databases[service][collection]
        removed = await rows.delete_one({"_id": ObjectId(id)})
        assert removed.deleted_count == 1

    async def delete_inbox_row(self, service: str, event_id: str) -> None:
        """Remove the record that a service has handled an event."""
        await self.databases[service]["inbox"].delete_one({"_id": event_id})

    async def take_snapshot(self) -> None:
        """Remember the documents of all databases."""
        for service, database in self.databases.items():
            for name in await database.list_collection_names():
                self._snapshot[service, name] = await database[name].find().to_list()

    async def restore_snapshot(self) -> None:
        """Restore the documents of all databases, as if the difference had been in progress."""
        for service, database in self.databases.items():
            for name in await database.list_collection_names():
                rows = self._snapshot.get((service, name), [])
                if await database[name].find().to_list() == rows:
                    continue
                async for other in database[name].find(
                    {"_id": {"$nin": [row["_id"] for row in rows]}}, {"_id": 1}
                ):
                    await database[name].delete_one(other)
                for row in rows:
                    await database[name].replace_one({"_id": row["_id"]}, row, upsert=True)

    def _put(self, service: str, collection: str, **row: Any) -> None:
        """Add a document to the initial ones. expiration has no database."""
        if service in self.databases:
            self._rows[service, collection].append(row if collection == "inbox" else _row(row))

    def _put_documents(self) -> None:
        for user, email in ((self.seller, "seller@example.com"), (self.buyer, "b@example.com")):
            self._put("auth", "users", _id=user, version=0, email=email)
            self._put("contact", "recipients", _id=user, email=email)
        for ticket, order, version in (
            (self.sold, self.complete, 1),
            (self.free, None, 2),
            (self.held, self.waiting, 1),
        ):
            listing = {"_id": ticket, "version": version, "title": "Concert", "price": PRICE}
            owner = {"user_id": self.seller, "order_id": order, "search_terms": ["concert"]}
            self._put("tickets", "tickets", **listing, **owner, created_at=self.started_at)
            self._put("orders", "tickets", **listing, deleted=False)
            self._put("contact", "tickets", **listing, user_id=self.seller)
        deleted = {"_id": self.deleted, "version": 1, "title": "Concert", "price": PRICE}
        self._put("orders", "tickets", **deleted, deleted=True)
        self._put("contact", "tickets", **deleted, user_id=self.seller)
        self._put("orders", "reservations", _id=self.deleted, order_id=None)
        self._put_order(self.complete, self.sold, OrderStatus.COMPLETE, "sold", 2)
        self._put_order(self.cancelled, self.free, OrderStatus.CANCELLED, "released", 1)
        self._put_order(self.waiting, self.held, OrderStatus.CREATED, "held", 0)
        payment = self._payment(self.complete, _id=self.payment, stripe_id=self.intent)
        self._put("payments", "payments", **payment)

    async def insert_payment(self, order: str, **fields: Any) -> str:
        """Insert a payment of an order, and return its id."""
        row = self._payment(order, **fields)
        await self.insert("payments", "payments", **row)
        return str(row["_id"])

    def _payment(self, order: str, **fields: Any) -> dict[str, Any]:
        return {
            "_id": str(ObjectId()),
            "version": 2,
            "order_id": order,
            "attempt": 1,
            "user_id": self.buyer,
            "amount": PRICE,
            "currency": "usd",
            "pay_by": self.expires_at,
            "status": "succeeded",
            "stripe_id": None,
            "problem": None,
            "disputed": False,
            "next_poll_at": None,
            "ticket_id": self.sold,
            "token": None,
            **fields,
        }

    def _put_order(
        self, order: str, ticket: str, status: OrderStatus, hold: str, version: int
    ) -> None:
        """Put an order with its reservation and its copies."""
        row = {"_id": order, "version": version, "user_id": self.buyer, "status": status.value}
        row["expires_at"] = self.expires_at
        ticket_fields = {"id": ticket, "title": "Concert", "price": PRICE}
        copied = {"title": "Concert", "price": PRICE}
        self._put("orders", "orders", **row, ticket=ticket_fields)
        self._put("payments", "orders", **row, **copied, ticket_id=ticket)
        self._put("contact", "orders", _id=order, user_id=self.buyer, **copied)
        self._put("tickets", "holds", _id=order, state=hold, changed_at=utc_now())
        if status != OrderStatus.CANCELLED:
            self._put("orders", "reservations", _id=ticket, order_id=ObjectId(order))

    def _events(self) -> list[DomainEvent]:
        """Return the events of the data set, in their order."""
        created = [
            TicketCreated(id=ticket, version=0, title="Concert", price=PRICE, user_id=self.seller)
            for ticket in (self.sold, self.free, self.held, self.deleted)
        ]
        return [
            UserSignedUp(id=self.seller, version=0, email="seller@example.com"),
            UserSignedUp(id=self.buyer, version=0, email="b@example.com"),
            UserChangedPassword(id=self.buyer, version=1, changed_at=self.started_at),
            *created,
            TicketDeleted(id=self.deleted, version=1),
            self.order_created(self.complete, self.sold),
            self.ticket_held(self.sold, self.complete, 1),
            PaymentStarted(id=self.payment, order_id=self.complete),
            PaymentCreated(
                id=self.payment, version=2, order_id=self.complete, stripe_id=self.intent
            ),
            OrderCompleted(
                id=self.complete,
                version=2,
                status=OrderStatus.COMPLETE,
                user_id=self.buyer,
                ticket=TicketRef(id=self.sold),
            ),
            self.order_created(self.cancelled, self.free),
            self.ticket_held(self.free, self.cancelled, 1),
            self.order_cancelled(self.cancelled, self.free),
            self.ticket_held(self.free, None, 2),
            self.order_created(self.waiting, self.held),
            self.ticket_held(self.held, self.waiting, 1),
        ]

    def order_created(self, order: str, ticket: str) -> OrderCreated:
        return OrderCreated(
            id=order,
            version=0,
            status=OrderStatus.CREATED,
            user_id=self.buyer,
            expires_at=self.expires_at,
            ticket=OrderedTicket(id=ticket, title="Concert", price=PRICE),
        )

    def order_cancelled(self, order: str, ticket: str) -> OrderCancelled:
        return OrderCancelled(
            id=order,
            version=1,
            status=OrderStatus.CANCELLED,
            user_id=self.buyer,
            reason=CancelReason.CANCELLED_BY_BUYER,
            ticket=TicketRef(id=ticket),
        )

    def ticket_held(self, ticket: str, order: str | None, version: int) -> TicketUpdated:
        return TicketUpdated(
            id=ticket,
            version=version,
            title="Concert",
            price=PRICE,
            user_id=self.seller,
            order_id=order,
        )


def _row(row: dict[str, Any]) -> dict[str, Any]:
    """Convert ids to the type that the services store."""
    stored = dict(row)
    if isinstance(stored["_id"], str) and ObjectId.is_valid(stored["_id"]):
        stored["_id"] = ObjectId(stored["_id"])
    return stored
