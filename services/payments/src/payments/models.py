"""What payments keeps."""

from decimal import Decimal
from enum import StrEnum
from typing import ClassVar, Self

from pymongo import ASCENDING, DESCENDING, IndexModel
from pymongo.errors import DuplicateKeyError

from ticketing_common.auth import SessionUser
from ticketing_common.documents import OwnedDocument, VersionedDocument
from ticketing_common.errors import BadRequest, Conflict
from ticketing_common.events import Id, OrderStatus, Price, UtcTime, utc_now

CURRENCY = "usd"


class NotPayable(BadRequest):
    message = "Cannot pay for this order"


class PaymentUnderWay(Conflict):
    message = "A payment for this order is under way, look again in a moment"


class Order(OwnedDocument):
    """Our copy of an order: whose it is, what it costs, whether it can be paid."""

    class Settings:
        name: ClassVar[str] = "orders"

    status: OrderStatus
    expires_at: UtcTime
    price: Price
    ticket_id: Id

    @classmethod
    async def payable_by(cls, user: SessionUser, order_id: str) -> Self:
        """Raises NotFound, NotAuthorized for another's, NotPayable with the reason."""
        order = await cls.owned_by(user, order_id)
        if order.status == OrderStatus.CANCELLED:
            raise NotPayable("Cannot pay for a cancelled order")
        if order.status == OrderStatus.COMPLETE:
            raise NotPayable("The order is paid already")
        if order.expires_at <= utc_now():
            raise NotPayable("The order has expired")
        return order

    @property
    def amount(self) -> int:
        """The price in the currency's minor units."""
        return int(self.price * Decimal(100))


class PaymentStatus(StrEnum):
    STARTED = "started"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class Payment(VersionedDocument):
    """One try to pay an order. The next one begins only when it is known to have failed."""

    class Settings:
        name: ClassVar[str] = "payments"
        indexes: ClassVar[list[IndexModel]] = [
            IndexModel([("order_id", ASCENDING), ("number", DESCENDING)], unique=True),
            IndexModel([("status", ASCENDING), ("asked_at", ASCENDING)]),
        ]

    order_id: Id
    number: int
    """1 for an order's first try."""
    user_id: Id
    ticket_id: Id
    amount: int
    token: str | None
    """What Stripe knows the card by; forgotten as soon as the try has ended."""
    status: PaymentStatus = PaymentStatus.STARTED
    asked_at: UtcTime
    stripe_id: str | None = None

    @classmethod
    async def begin(cls, order: Order, token: str) -> Self:
        """Begin the next try. Raises PaymentUnderWay, NotPayable: one at a time, one charge."""
        order_id = str(order.id)
        last = await cls.find({"order_id": order_id}).sort("-number").first_or_none()
        if last is not None and last.status == PaymentStatus.STARTED:
            raise PaymentUnderWay
        if last is not None and last.status == PaymentStatus.SUCCEEDED:
            raise NotPayable("The order is paid already")
        payment = cls(
            order_id=order_id,
            number=last.number + 1 if last is not None else 1,
            user_id=order.user_id,
            ticket_id=order.ticket_id,
            amount=order.amount,
            token=token,
            asked_at=utc_now(),
        )
        try:
            return await payment.insert()
        except DuplicateKeyError:
            raise PaymentUnderWay from None

    @property
    def idempotency_key(self) -> str:
        """What makes Stripe answer, not charge, again."""
        return f"{self.order_id}-{self.number}"

    async def end(self, status: PaymentStatus, stripe_id: str | None) -> None:
        self.status, self.stripe_id, self.token = status, stripe_id, None
        await self.save()
