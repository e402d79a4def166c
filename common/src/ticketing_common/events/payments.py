"""Domain events published by payments."""

from enum import StrEnum
from typing import ClassVar

from ticketing_common.events.base import DomainEvent, VersionedEvent
from ticketing_common.events.values import Id


class PaymentStatus(StrEnum):
    STARTED = "started"
    NEEDS_CONFIRMATION = "needs-confirmation"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    REFUND_PENDING = "refund-pending"
    REFUNDED = "refunded"
    CHARGED_BACK = "charged-back"


class PaymentEvent(DomainEvent):
    """An event about a payment. Its aggregate is the order, whose payments are in sequence."""

    producer: ClassVar[str] = "payments"
    aggregate: ClassVar[str] = "payment"

    order_id: Id

    @property
    def aggregate_id(self) -> str:
        return self.order_id


class PaymentStarted(PaymentEvent):
    """An attempt to pay began."""

    subject: ClassVar[str] = "payment.started"

    id: Id


class PaymentFailed(PaymentEvent):
    """An attempt to pay failed: nothing was charged."""

    subject: ClassVar[str] = "payment.failed"

    id: Id


class PaymentMissed(PaymentEvent):
    """An overdue order has no payment, and none is in progress."""

    subject: ClassVar[str] = "payment.missed"


class VersionedPaymentEvent(PaymentEvent, VersionedEvent):
    """`id` and `version` are the payment's, the aggregate is still the order."""


class PaymentCreated(VersionedPaymentEvent):
    """The buyer was charged, which completes the order."""

    subject: ClassVar[str] = "payment.created"

    stripe_id: str


class PaymentRefunded(VersionedPaymentEvent):
    """The charge was refunded in full."""

    subject: ClassVar[str] = "payment.refunded"

    stripe_id: str
    reason: str
