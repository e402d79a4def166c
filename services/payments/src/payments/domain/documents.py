"""The documents of payments: the copy of an order, and one payment per attempt to pay it."""

from datetime import timedelta
from enum import StrEnum
from typing import ClassVar, Self

from beanie import PydanticObjectId
from pydantic import Field
from pymongo import ASCENDING, DESCENDING, IndexModel

from payments.domain.state_machine import IN_PROGRESS, TRANSITIONS
from payments.errors import NotRefundable, OrderAlreadyCancelled, OrderAlreadyPaid, OrderExpired
from ticketing_common.backoff import Backoff
from ticketing_common.events import (
    CancelReason,
    Id,
    OrderStatus,
    PaymentStatus,
    Price,
    UtcTime,
    utc_now,
)
from ticketing_common.persistence.documents import OwnedDocument

MAX_PAYMENTS = 100
"""The most payments of one order that are read."""
POLL_LEASE = timedelta(seconds=30)
"""How long one process polls Stripe for a payment before another one may."""
POLL_BACKOFF = Backoff(first=5, longest=600)
"""Delays between two polls of one payment."""


CHARGED_BACK = "your bank has returned the money to you after a dispute"
"""Why a payment is not refunded, for the buyer."""
NOT_REFUNDABLE = {
    PaymentStatus.STARTED: "The payment is in progress. Nothing is charged yet.",
    PaymentStatus.NEEDS_CONFIRMATION: "The payment waits for the buyer's confirmation. "
    "Nothing is charged yet.",
    PaymentStatus.FAILED: "The payment failed. Nothing was charged.",
    PaymentStatus.REFUND_PENDING: "The refund of the payment is in progress.",
    PaymentStatus.REFUNDED: "The payment is already refunded.",
    PaymentStatus.CHARGED_BACK: "The buyer's bank has taken the money back after a dispute.",
}
"""Why a payment cannot be refunded, for an operator."""


class Order(OwnedDocument):
    """The copy of an order: its owner, its price, and whether it can be paid."""

    class Settings:
        name: ClassVar[str] = "orders"

    status: OrderStatus
    expires_at: UtcTime
    price: Price
    ticket_id: Id
    title: str = ""
    cancel_reason: CancelReason | None = None
    paid_by: Id | None = None
    """The payment that charged it. Written with that payment's success, so that a concurrent
    cancellation is a write conflict and both see each other."""

    overdue: bool = False
    """Orders asked whether it will be paid: no further payment begins."""
    attempts_changed: int = 0
    """Counts the payments that began or failed. Written with each, so that a concurrent `overdue`
    is a write conflict and both see each other."""

    @property
    def is_open(self) -> bool:
        return self.status in (OrderStatus.CREATED, OrderStatus.AWAITING_PAYMENT)

    def require_payable(self) -> None:
        """Check that a payment may begin.

        Raises: OrderAlreadyCancelled, OrderAlreadyPaid or OrderExpired.
        """
        if self.status == OrderStatus.CANCELLED:
            raise OrderAlreadyCancelled
        if self.status == OrderStatus.COMPLETE or self.paid_by is not None:
            raise OrderAlreadyPaid
        if self.overdue or self.expires_at <= utc_now():
            raise OrderExpired

    def seconds_left(self) -> int:
        """Return the time until the order ends, at least one second."""
        return max(1, int((self.expires_at - utc_now()).total_seconds()))

    async def count_attempt_change(self) -> None:
        """Count a payment that began or failed, without a new version of the copy."""
        await self.get_pymongo_collection().update_one(
            {"_id": self.id}, {"$inc": {"attempts_changed": 1}}
        )

    async def set_paid_by(self, payment_id: str) -> bool:
        """Store the payment that charged the order. Return False if another one did before."""
        result = await self.get_pymongo_collection().update_one(
            {"_id": self.id, "paid_by": {"$in": [None, payment_id]}},
            {"$set": {"paid_by": payment_id}},
        )
        return result.matched_count > 0


class FailureCause(StrEnum):
    """Why a payment failed."""

    DECLINED = "declined"
    INVALID_TOKEN = "invalid-token"  # noqa: S105
    REFUSED = "refused"


class Payment(OwnedDocument):
    """One attempt to pay an order. The next one begins only when this one has failed."""

    class Settings:
        name: ClassVar[str] = "payments"
        indexes: ClassVar[list[IndexModel]] = [
            IndexModel([("order_id", ASCENDING), ("attempt", DESCENDING)], unique=True),
            IndexModel("next_poll_at"),
            IndexModel("stripe_id"),
        ]

    order_id: Id
    attempt: int
    """Counts the attempts to pay the order, from 1."""
    ticket_id: Id
    amount: int
    """In the currency's minor units."""
    currency: str = "usd"
    wrong_charge: int | None = None
    """The amount that Stripe charged instead, in minor units of any currency. It is refunded."""
    pay_by: UtcTime
    """It is cancelled after this time unless it has succeeded."""
    request_key: str | None = None
    """The Idempotency-Key of the request that began it."""
    token: str | None
    """Stripe's token of the card. Removed, like the e-mail address, once Stripe has it."""
    receipt_email: str | None = None
    status: PaymentStatus = PaymentStatus.STARTED
    stripe_id: str | None = None
    """The PaymentIntent. It is stored before anything can be charged with it."""
    failure_cause: FailureCause | None = None
    message: str | None = None
    """Why it failed, for the buyer."""
    reason: str | None = None
    """Why it is refunded, for the buyer."""
    refund_attempt: int = 1
    refunded_at: UtcTime | None = None
    disputed: bool = False
    is_inquiry: bool = False
    """The open dispute is an inquiry: it has moved no money, and a refund ends it."""
    closed_disputes: list[str] = Field(default_factory=list)
    """Stripe's ids: the event of a dispute's end can arrive before that of its beginning."""
    charged_back: bool = False
    """A dispute was lost: the buyer's bank has returned the money."""
    problem: str | None = None
    """A problem that needs an operator."""
    next_poll_at: UtcTime | None
    """When to poll Stripe for its state. None if nothing more is expected."""
    polls: int = 0
    """Counts the polls since the last transition."""

    @classmethod
    async def of_order(cls, order_id: str) -> list[Self]:
        """Return the attempts to pay an order, the newest first."""
        return await cls.find({"order_id": order_id}).sort("-attempt").limit(MAX_PAYMENTS).to_list()

    @classmethod
    async def load(cls, payment_id: PydanticObjectId) -> Self:
        """Return a payment that is known to exist: payments are never deleted."""
        payment = await cls.get(payment_id)
        assert payment is not None
        return payment

    async def order(self) -> Order:
        """Return the copy of its order, which is older than the payment."""
        order = await Order.get(PydanticObjectId(self.order_id))
        assert order is not None
        return order

    @property
    def price(self) -> int:
        return self.amount

    @property
    def charge(self) -> int:
        """The minor units that Stripe has charged, or will."""
        return self.amount if self.wrong_charge is None else self.wrong_charge

    @property
    def is_in_progress(self) -> bool:
        return self.status in IN_PROGRESS

    @property
    def awaits_stripe(self) -> bool:
        """Whether a poll can change it, so that it is polled until it does."""
        return self.is_in_progress or self.status == PaymentStatus.REFUND_PENDING

    @property
    def stripe_key(self) -> str:
        """The idempotency key of its PaymentIntent: Stripe creates one per attempt."""
        return f"{self.order_id}-{self.attempt}"

    def stripe_key_for(self, call: str) -> str:
        """Return the idempotency key of a call that changes its PaymentIntent.

        Each poll has another key, because Stripe repeats an internal error for a day under the same
        key. One charge and one refund are still certain: an intent succeeds once, and Stripe
        refunds no more than it charged.
        """
        return f"{self.stripe_key}-{call}-{self.polls}"

    def transition(self, status: PaymentStatus) -> None:
        """Change the status. Raises: ValueError without such a transition."""
        if status not in TRANSITIONS[self.status]:
            raise ValueError(f"A payment has no transition from {self.status} to {status}")
        self.status = status
        self.polls = 0
        delay = timedelta(seconds=POLL_BACKOFF.delay(1))
        self.next_poll_at = utc_now() + delay if self.awaits_stripe else None
        if not self.is_in_progress:
            self.token = self.receipt_email = None

    def request_refund(self, reason: str) -> None:
        """Mark the payment to be refunded in full. Raises: NotRefundable.

        After a lost dispute the buyer has the money already.
        """
        if self.status == PaymentStatus.SUCCEEDED and self.charged_back:
            self.end_as_charged_back()
            return
        if self.status == PaymentStatus.REFUND_PENDING and self.problem is not None:
            self.refund_attempt += 1  # an operator repeats a refund that the bank returned
        elif self.status == PaymentStatus.SUCCEEDED:
            self.transition(PaymentStatus.REFUND_PENDING)
        else:
            raise NotRefundable(NOT_REFUNDABLE[self.status])
        self.reason, self.problem = reason, None

    def require_undisputed(self) -> None:
        """Check that no bank has taken the money back. Raises: NotRefundable."""
        if self.charged_back:
            raise NotRefundable(NOT_REFUNDABLE[PaymentStatus.CHARGED_BACK])
        if self.disputed and not self.is_inquiry:
            raise NotRefundable(
                "The buyer disputes the payment at their bank, which has withdrawn the money. "
                "Answer the dispute at Stripe. The payment can be refunded once the dispute is won."
            )

    def end_as_charged_back(self) -> None:
        """End the payment after a lost dispute: the buyer's bank has returned the money."""
        self.transition(PaymentStatus.CHARGED_BACK)
        self.reason, self.problem = CHARGED_BACK, None
