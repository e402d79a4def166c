"""A small market as the services leave it when all is quiet: what a test spoils one thing of."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import httpx
from bson import Decimal128, ObjectId
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
from ticketing_common.messaging.streams import consumers, filter_subjects_of, provision
from ticketing_dev.tools.diagram import subscription_lists
from ticketing_ops.audit import messages
from ticketing_ops.audit.consumers import answered_for
from ticketing_testing.patience import PATIENCE_SECONDS

Databases = Mapping[str, AsyncDatabase[dict[str, Any]]]
PRICE = 25


@dataclass
class Shop:
    """One seller, one buyer; a ticket sold, one let go, one held, one withdrawn."""

    databases: Databases
    js: JetStreamContext
    redis: Redis
    stripe: httpx.AsyncClient
    seller: str = field(default_factory=lambda: str(ObjectId()))
    buyer: str = field(default_factory=lambda: str(ObjectId()))
    sold: str = field(default_factory=lambda: str(ObjectId()))
    free: str = field(default_factory=lambda: str(ObjectId()))
    held: str = field(default_factory=lambda: str(ObjectId()))
    gone: str = field(default_factory=lambda: str(ObjectId()))
    complete: str = field(default_factory=lambda: str(ObjectId()))
    cancelled: str = field(default_factory=lambda: str(ObjectId()))
    waiting: str = field(default_factory=lambda: str(ObjectId()))
    payment: str = field(default_factory=lambda: str(ObjectId()))
    intent: str = ""
    charge: str = ""
    payment_created: str = ""
    """The event."""
    began: datetime = field(default_factory=utc_now)
    _rows: dict[tuple[str, str], list[dict[str, Any]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    _kept: dict[tuple[str, str], list[dict[str, Any]]] = field(default_factory=dict)

    @property
    def expires_at(self) -> datetime:
        return self.began + timedelta(minutes=5)

    async def open(self) -> None:
        """Have it be as if all had happened."""
        for listeners in subscription_lists():
            await provision(self.js, listeners)
        self.intent, self.charge = await self.charged(self.complete, self.payment)
        self._fill_stores()
        for event in self._told():
            event_id = await self.say(event)
            self._hear(event_id, event)
            if isinstance(event, PaymentCreated):
                self.payment_created = event_id
        for (service, collection), rows in self._rows.items():
            await self.databases[service][collection].insert_many(rows)
        await self.settle()
        await self.redis.zadd("arq:queue", {self.waiting: self.expires_at.timestamp() * 1000})

    async def say(self, event: DomainEvent, id: str | None = None) -> str:
        """Have the streams hold an event; its id."""
        event_id = id or str(ObjectId())
        envelope = Envelope.seal(event, id=event_id, time=utc_now(), trace={})
        await self.js.publish(envelope.subject, envelope.body, headers=dict(envelope.headers))
        return event_id

    def _hear(self, event_id: str, event: DomainEvent) -> None:
        """Have every service that listens remember that it has heard an event."""
        for listeners in subscription_lists():
            listener = listeners.of(event.subject)
            if listener is not None and listener.replica is None:
                self._put(listeners.service, "inbox", _id=event_id, at=utc_now())

    async def settle(self) -> None:
        """Have every service answer for all that it was told."""
        for listeners in subscription_lists():
            for stream, consumer in consumers(listeners).items():
                while number := await self._waiting(
                    stream, listeners.service, filter_subjects_of(consumer)
                ):
                    await self._answer(stream, listeners.service, number)

    async def _waiting(self, stream: str, service: str, subjects: list[str]) -> int:
        """How many events a service has not answered for; at least one where there is one.

        A consumer's own count lags behind the stream for a moment.
        """
        info = await self.js.consumer_info(stream, service)
        first = await messages.next_of(self.js, stream, answered_for(info), subjects)
        return max(1, info.num_pending or 0) if first is not None else 0

    async def _answer(self, stream: str, service: str, number: int) -> None:
        subscription = await self.js.pull_subscribe_bind(service, stream=stream)
        for message in await subscription.fetch(number, timeout=PATIENCE_SECONDS):
            await message.ack_sync()
        await subscription.unsubscribe()

    async def charged(self, order: str, payment: str, **more: Any) -> tuple[str, str]:
        """Have Stripe charge somebody for an order: the intent and the charge."""
        asked = {
            "amount": PRICE * 100,
            "currency": "usd",
            "confirm": "true",
            "payment_method": "pm_card_visa",
            "allowed_payment_method_types[0]": "card",
            "metadata[order_id]": order,
            "metadata[payment_id]": payment,
            **more,
        }
        answer = await self.stripe.post("/v1/payment_intents", data=asked)
        intent = answer.raise_for_status().json()
        return intent["id"], intent["latest_charge"]

    async def given_back(self, charge: str, **amount: int) -> None:
        """Have Stripe give a charge, or an amount of it, back."""
        answer = await self.stripe.post("/v1/refunds", data={"charge": charge, **amount})
        answer.raise_for_status()

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

    async def forget(self, service: str, event_id: str) -> None:
        """Have a service forget that it has heard an event."""
        await self.databases[service]["inbox"].delete_one({"_id": event_id})

    async def keep(self) -> None:
        """Remember what all databases hold."""
        for service, database in self.databases.items():
            for name in await database.list_collection_names():
                self._kept[service, name] = await database[name].find().to_list()

    async def restore(self) -> None:
        """Have all databases hold what they held, as if the difference had only been on its way."""
        for service, database in self.databases.items():
            for name in await database.list_collection_names():
                kept = self._kept.get((service, name), [])
                if await database[name].find().to_list() == kept:
                    continue
                await database[name].delete_many({"_id": {"$nin": [row["_id"] for row in kept]}})
                for row in kept:
                    await database[name].replace_one({"_id": row["_id"]}, row, upsert=True)

    def _put(self, service: str, collection: str, **row: Any) -> None:
        """Have a document be there from the beginning. expiration keeps none."""
        if service in self.databases:
            self._rows[service, collection].append(row if collection == "inbox" else _row(row))

    def _fill_stores(self) -> None:
        for user, email in ((self.seller, "seller@example.com"), (self.buyer, "b@example.com")):
            self._put("auth", "users", _id=user, version=0, email=email)
            self._put("contact", "recipients", _id=user, email=email)
        for service in ("auth", "tickets", "orders", "payments"):
            self._put(service, "session_cutoffs", _id=self.buyer, changed_at=self.began)
        for ticket, order, version in (
            (self.sold, self.complete, 1),
            (self.free, None, 2),
            (self.held, self.waiting, 1),
        ):
            offer = {"_id": ticket, "version": version, "title": "Concert", "price": PRICE}
            mine = {"user_id": self.seller, "order_id": order, "words": ["concert"]}
            self._put("tickets", "tickets", **offer, **mine, created_at=self.began)
            self._put("orders", "tickets", **offer, deleted=False)
            self._put("contact", "tickets", **offer, user_id=self.seller)
        buried = {"_id": self.gone, "version": 1, "title": "Concert", "price": PRICE}
        self._put("orders", "tickets", **buried, deleted=True)
        self._put("contact", "tickets", **buried, user_id=self.seller)
        self._put("orders", "reservations", _id=self.gone, order_id=None)
        self._place(self.complete, self.sold, OrderStatus.COMPLETE, "sold", 2)
        self._place(self.cancelled, self.free, OrderStatus.CANCELLED, "released", 1)
        self._place(self.waiting, self.held, OrderStatus.CREATED, "held", 0)
        paid = self._payment(self.complete, _id=self.payment, stripe_id=self.intent)
        self._put("payments", "payments", **paid)

    async def pay(self, order: str, **fields: Any) -> str:
        """Have payments know of a try to pay for an order; its id."""
        row = self._payment(order, **fields)
        await self.insert("payments", "payments", **row)
        return str(row["_id"])

    def _payment(self, order: str, **fields: Any) -> dict[str, Any]:
        return {
            "_id": str(ObjectId()),
            "version": 2,
            "order_id": order,
            "number": 1,
            "user_id": self.buyer,
            "amount": PRICE * 100,
            "currency": "usd",
            "pay_by": self.expires_at,
            "status": "succeeded",
            "stripe_id": None,
            "problem": None,
            "disputed": False,
            "look_at": None,
            "ticket_id": self.sold,
            "token": None,
            **fields,
        }

    def _place(self, order: str, ticket: str, status: OrderStatus, hold: str, version: int) -> None:
        """An order, what makes it one, and what others keep of it."""
        row = {"_id": order, "version": version, "user_id": self.buyer, "status": status.value}
        row["expires_at"] = self.expires_at
        bought = {"id": ticket, "title": "Concert", "price": Decimal128(str(PRICE))}
        copied = {"title": "Concert", "price": PRICE}
        self._put("orders", "orders", **row, ticket=bought)
        self._put("payments", "orders", **row, **copied, ticket_id=ticket)
        self._put("contact", "orders", _id=order, user_id=self.buyer, **copied)
        self._put("tickets", "holds", _id=order, state=hold, at=utc_now())
        if status != OrderStatus.CANCELLED:
            self._put("orders", "reservations", _id=ticket, order_id=ObjectId(order))

    def _told(self) -> list[DomainEvent]:
        """What the services have said of it all, in order."""
        offers = [
            TicketCreated(id=one, version=0, title="Concert", price=PRICE, user_id=self.seller)
            for one in (self.sold, self.free, self.held, self.gone)
        ]
        return [
            UserSignedUp(id=self.seller, version=0, email="seller@example.com"),
            UserSignedUp(id=self.buyer, version=0, email="b@example.com"),
            UserChangedPassword(id=self.buyer, version=1, changed_at=self.began),
            *offers,
            TicketDeleted(id=self.gone, version=1),
            self.placed(self.complete, self.sold),
            self.now_held(self.sold, self.complete, 1),
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
            self.placed(self.cancelled, self.free),
            self.now_held(self.free, self.cancelled, 1),
            self.let_go(self.cancelled, self.free),
            self.now_held(self.free, None, 2),
            self.placed(self.waiting, self.held),
            self.now_held(self.held, self.waiting, 1),
        ]

    def placed(self, order: str, ticket: str) -> OrderCreated:
        return OrderCreated(
            id=order,
            version=0,
            status=OrderStatus.CREATED,
            user_id=self.buyer,
            expires_at=self.expires_at,
            ticket=OrderedTicket(id=ticket, title="Concert", price=PRICE),
        )

    def let_go(self, order: str, ticket: str) -> OrderCancelled:
        return OrderCancelled(
            id=order,
            version=1,
            status=OrderStatus.CANCELLED,
            user_id=self.buyer,
            reason=CancelReason.CANCELLED_BY_BUYER,
            ticket=TicketRef(id=ticket),
        )

    def now_held(self, ticket: str, order: str | None, version: int) -> TicketUpdated:
        return TicketUpdated(
            id=ticket,
            version=version,
            title="Concert",
            price=PRICE,
            user_id=self.seller,
            order_id=order,
        )


def _row(row: dict[str, Any]) -> dict[str, Any]:
    """As MongoDB keeps it."""
    stored = dict(row)
    if isinstance(stored["_id"], str) and ObjectId.is_valid(stored["_id"]):
        stored["_id"] = ObjectId(stored["_id"])
    if "price" in stored:
        stored["price"] = Decimal128(str(stored["price"]))
    return stored
