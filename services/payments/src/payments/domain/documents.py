"""What payments keeps."""

from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import ClassVar, Self

from beanie import Document, PydanticObjectId
from pydantic import Field
from pymongo import ASCENDING, DESCENDING, IndexModel
from pymongo.errors import DuplicateKeyError

from payments.domain.state_machine import TRANSITIONS, UNDER_WAY
from payments.jobs import wakeup
from ticketing_common.errors import BadRequest, Conflict
from ticketing_common.events import CancelReason, Id, OrderStatus, Price, UtcTime, utc_now
from ticketing_common.events.payments import PaymentStatus
from ticketing_common.persistence.documents import OwnedDocument

LEASE = timedelta(seconds=30)
"""How long whoever asks Stripe about a payment is left alone with it."""
PAUSE, LONGEST_PAUSE = timedelta(seconds=5), timedelta(minutes=10)
"""Between two looks at a payment: twice as long each time."""


class NotPayable(BadRequest):
    code = "not_payable"
    message = "Cannot pay for this order"


class PaymentUnderWay(Conflict):
    code = "payment_in_progress"
    message = "A payment for this order is under way, look again in a moment"


class NotRefundable(BadRequest):
    code = "not_refundable"
    message = "Cannot refund this order"


class Order(OwnedDocument):
    """Our copy of an order: whose it is, what it costs, whether it can be paid."""

    class Settings:
        name: ClassVar[str] = "orders"

    status: OrderStatus
    expires_at: UtcTime
    price: Price
    ticket_id: Id
    title: str = ""
    cancelled_because: CancelReason | None = None
    paid_by: Id | None = None
    """The payment that it was charged by. Written with that payment's success, so that a
    cancellation meanwhile is a conflict and neither can miss the other."""

    overdue: bool = False
    """Orders has asked whether it is still to be paid: no other payment begins."""
    turns: int = 0
    """How many of its payments began or failed. Written with each, so that `overdue` meanwhile is a
    conflict and neither can miss the other."""

    @property
    def is_open(self) -> bool:
        return self.status in (OrderStatus.CREATED, OrderStatus.AWAITING_PAYMENT)

    def must_be_payable(self) -> None:
        """Raises NotPayable with the reason."""
        if self.status == OrderStatus.CANCELLED:
            raise NotPayable("Cannot pay for a cancelled order")
        if self.status == OrderStatus.COMPLETE or self.paid_by is not None:
            raise NotPayable("The order is paid already")
        if self.overdue or self.expires_at <= utc_now():
            raise NotPayable("The order has expired")

    @property
    def amount(self) -> int:
        """The price in the currency's minor units."""
        return int(self.price * Decimal(100))

    async def note_turn(self) -> None:
        await self.get_pymongo_collection().update_one({"_id": self.id}, {"$inc": {"turns": 1}})

    async def note_paid_by(self, payment_id: str) -> bool:
        """Whether that payment is the one that the order is charged by."""
        noted = await self.get_pymongo_collection().update_one(
            {"_id": self.id, "paid_by": {"$in": [None, payment_id]}},
            {"$set": {"paid_by": payment_id}},
        )
        return noted.matched_count > 0


class Fault(StrEnum):
    """Why a payment failed."""

    DECLINED = "declined"
    BAD_TOKEN = "bad-token"  # noqa: S105
    REFUSED = "refused"


class Payment(OwnedDocument):
    """One try to pay an order. The next one begins only when it is known to have failed."""

    class Settings:
        name: ClassVar[str] = "payments"
        indexes: ClassVar[list[IndexModel]] = [
            IndexModel([("order_id", ASCENDING), ("number", DESCENDING)], unique=True),
            IndexModel("look_at"),
            IndexModel("stripe_id"),
        ]

    order_id: Id
    number: int
    """1 for an order's first try."""
    ticket_id: Id
    amount: int
    """In the currency's minor units."""
    currency: str = "usd"
    pay_by: UtcTime
    """After this it is cancelled, unless it has succeeded."""
    asked_with: str | None = None
    """The Idempotency-Key of the request that began it."""
    token: str | None
    """What Stripe knows the card by. Forgotten, like the e-mail, once Stripe has it."""
    receipt_email: str | None = None
    status: PaymentStatus = PaymentStatus.STARTED
    stripe_id: str | None = None
    """The PaymentIntent. It is known here before anything can be charged by it."""
    fault: Fault | None = None
    message: str | None = None
    """Why it failed, in words for the buyer."""
    reason: str | None = None
    """Why it is refunded, in words for the buyer."""
    refund_number: int = 1
    disputed: bool = False
    closed_disputes: list[str] = Field(default_factory=list)
    """By Stripe's ids: that one is closed can be told before it is told that it began."""
    charged_back: bool = False
    """A dispute was lost: the buyer's bank has given the money back already."""
    problem: str | None = None
    """What only an operator can solve."""
    look_at: UtcTime | None
    """When to ask Stripe how it stands; None where nothing more is to come."""
    looks: int = 0

    @classmethod
    async def of_order(cls, order_id: str) -> list[Self]:
        """The tries to pay an order, the newest first."""
        return await cls.find({"order_id": order_id}).sort("-number").limit(100).to_list()

    @classmethod
    async def begin(
        cls,
        order: Order,
        number: int,
        token: str,
        *,
        currency: str,
        grace: timedelta,
        key: str | None,
        email: str,
    ) -> Self:
        """Begin a try. Raises PaymentUnderWay where another with its number has."""
        now = utc_now()
        payment = cls(
            order_id=str(order.id),
            number=number,
            user_id=order.user_id,
            ticket_id=order.ticket_id,
            amount=order.amount,
            currency=currency,
            pay_by=order.expires_at + grace,
            asked_with=key,
            token=token,
            receipt_email=email,
            look_at=now + LEASE,
        )
        try:
            return await payment.insert()
        except DuplicateKeyError:
            raise PaymentUnderWay from None

    async def order(self) -> Order:
        order = await Order.get(PydanticObjectId(self.order_id))
        assert order is not None, "a payment begins with our copy of its order"
        return order

    @property
    def price(self) -> Decimal:
        return Decimal(self.amount) / 100

    @property
    def is_under_way(self) -> bool:
        return self.status in UNDER_WAY

    @property
    def awaits_stripe(self) -> bool:
        """Whether more is to come by itself, so that it is asked for again and again."""
        is_going_back = self.status == PaymentStatus.REFUND_PENDING and not self.charged_back
        return self.is_under_way or is_going_back

    @property
    def idempotency_key(self) -> str:
        """What makes Stripe answer, not do, again: of the order and the try."""
        return f"{self.order_id}-{self.number}"

    def key_for(self, what: str) -> str:
        """The key for what is asked of the try's intent: another with each look.

        Stripe keeps a failure of its own under its key for a day. That this charges and refunds
        once is the intent's own promise: it succeeds once, and no more than that is given back.
        """
        return f"{self.idempotency_key}-{what}-{self.looks}"

    def move(self, status: PaymentStatus) -> None:
        """Go on to another state. Raises ValueError where none leads there."""
        if status not in TRANSITIONS[self.status]:
            raise ValueError(f"A payment does not go from {self.status} to {status}")
        self.status = status
        self.looks = 0
        self.look_at = utc_now() + PAUSE if self.awaits_stripe else None
        if not self.is_under_way:
            self.token = self.receipt_email = None

    def give_back(self, reason: str) -> None:
        """Have what was paid refunded, in full and at once. Raises NotRefundable."""
        if self.status == PaymentStatus.REFUND_PENDING and self.problem is not None:
            self.refund_number += 1  # an operator asks for what the bank has refused before
        elif self.status == PaymentStatus.SUCCEEDED:
            self.move(PaymentStatus.REFUND_PENDING)
        else:
            raise NotRefundable(f"The payment is {self.status}")
        self.reason, self.problem = reason, None
        self.look_now()

    def look_now(self) -> None:
        """Have Stripe asked as soon as this is committed."""
        self.look_at = utc_now()
        wakeup.wake_after_commit()

    @classmethod
    async def take_due(cls) -> Self | None:
        """One whose time to be looked at has come, taken so that no other replica looks too."""
        now = utc_now()
        taken = await cls.get_pymongo_collection().find_one_and_update(
            {"look_at": {"$lte": now}},
            {"$set": {"look_at": now + LEASE}, "$inc": {"looks": 1}},
            sort=[("look_at", 1)],
            return_document=True,
        )
        return cls.model_validate(taken) if taken is not None else None

    async def look_later(self, *, answered: bool) -> None:
        """Look again after a pause, unless somebody has set another time meanwhile.

        One that has ended was looked at for some news of it: once Stripe has `answered`, no more.
        """
        now = utc_now()
        at = now + min(PAUSE * 2 ** min(self.looks, 10), LONGEST_PAUSE)
        if self.is_under_way and now < self.pay_by < at:
            at = self.pay_by
        is_done = answered and not self.awaits_stripe
        await self.get_pymongo_collection().update_one(
            {"_id": self.id, "look_at": self.look_at},
            {"$set": {"look_at": None if is_done else at}},
        )


class WebhookEvent(Document):
    """The ledger of Stripe's events: one that was taken in is not taken in again."""

    class Settings:
        name: ClassVar[str] = "stripe_events"
        # Stripe lists an event for 30 days, and a redelivery is of no use after that.
        indexes: ClassVar[list[IndexModel]] = [
            IndexModel("at", expireAfterSeconds=int(timedelta(days=45).total_seconds()))
        ]

    id: str  # type: ignore[assignment]
    type: str
    at: UtcTime
    payment_id: PydanticObjectId | None = None


class Checkpoint(Document):
    """How far Stripe's events have been compared with the ledger."""

    class Settings:
        name: ClassVar[str] = "bookmarks"

    id: str  # type: ignore[assignment]
    until: UtcTime
    next_at: UtcTime

    @classmethod
    async def take(cls, name: str, *, first: datetime, every: timedelta) -> Self | None:
        """The bookmark if its time has come; then it is nobody else's for as long as `every`."""
        now = utc_now()
        bookmarks = cls.get_pymongo_collection()
        try:
            await bookmarks.update_one(
                {"_id": name}, {"$setOnInsert": {"until": first, "next_at": now}}, upsert=True
            )
        except DuplicateKeyError:
            return None  # another replica begins it this very moment
        taken = await bookmarks.find_one_and_update(
            {"_id": name, "next_at": {"$lte": now}},
            {"$set": {"next_at": now + every}},
            return_document=True,
        )
        return cls.model_validate(taken) if taken is not None else None

    async def move(self, until: datetime) -> None:
        self.until = until
        await self.get_pymongo_collection().update_one({"_id": self.id}, {"$max": {"until": until}})
