"""What payments says."""

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


class _PaymentTry(DomainEvent):
    """Tells of one try to pay an order: `id` is the try's own."""

    id: Id
    order_id: Id

    @property
    def key(self) -> str:
        return self.order_id


class PaymentStarted(_PaymentTry):
    subject: ClassVar[str] = "payment.started"


class PaymentFailed(_PaymentTry):
    subject: ClassVar[str] = "payment.failed"


class PaymentMissed(DomainEvent):
    """No payment has been made for an order whose time is over, and none is to come."""

    subject: ClassVar[str] = "payment.missed"

    order_id: Id

    @property
    def key(self) -> str:
        return self.order_id


class PaymentCreated(VersionedEvent):
    subject: ClassVar[str] = "payment.created"

    order_id: Id
    stripe_id: str

    @property
    def key(self) -> str:
        return self.order_id


class PaymentRefunded(VersionedEvent):
    subject: ClassVar[str] = "payment.refunded"

    order_id: Id
    stripe_id: str
    reason: str

    @property
    def key(self) -> str:
        return self.order_id
