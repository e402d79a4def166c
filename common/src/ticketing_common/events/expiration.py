"""What expiration says."""

from typing import ClassVar

from ticketing_common.events.base import DomainEvent
from ticketing_common.events.values import Id


class ExpirationCompleted(DomainEvent):
    """The time to pay for an order is over."""

    subject: ClassVar[str] = "expiration.completed"

    order_id: Id

    @property
    def key(self) -> str:
        return self.order_id
