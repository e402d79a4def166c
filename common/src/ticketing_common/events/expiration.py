"""Domain events published by expiration."""

from typing import ClassVar

from ticketing_common.events.base import DomainEvent
from ticketing_common.events.values import Id


class ExpirationCompleted(DomainEvent):
    """The time to pay for an order is over."""

    producer: ClassVar[str] = "expiration"
    aggregate: ClassVar[str] = "expiration"
    subject: ClassVar[str] = "expiration.completed"

    order_id: Id

    @property
    def aggregate_id(self) -> str:
        return self.order_id
