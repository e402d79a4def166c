"""What can be mended, each by a means that does no harm where there was nothing to mend."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Resend:
    """Tell one service again what the stream holds of a document: it passes over what it knows."""

    service: str
    stream: str
    key: str
    """The document's or the order's id, as the events carry it."""
    after: int = -1
    """The last version that need not be said again."""

    def __str__(self) -> str:
        since = f" from version {self.after + 1} on" if self.after >= 0 else ""
        return f"Tell {self.service} the {self.stream} events of {self.key} again{since}"


@dataclass(frozen=True)
class ResendOne:
    """Tell one service an event again, under the event's own id."""

    service: str
    stream: str
    sequence: int

    def __str__(self) -> str:
        return f"Tell {self.service} event {self.sequence} of {self.stream} again"


@dataclass(frozen=True)
class SayTimeIsOver:
    """Say in expiration's place that an order's time is over; orders cancels it if it is late."""

    order: str

    def __str__(self) -> str:
        return f"Say that the time of order {self.order} is over"


@dataclass(frozen=True)
class RefundOrder:
    """Have payments give back what was paid for an order, by its own rules."""

    order: str
    reason: str
    """In words that the buyer reads."""

    def __str__(self) -> str:
        return f"Give back what was paid for order {self.order}"


@dataclass(frozen=True)
class RefundCharge:
    """Give back at Stripe what no payment of ours knows of."""

    charge: str
    order: str

    def __str__(self) -> str:
        return f"Refund charge {self.charge} at Stripe"


Repair = Resend | ResendOne | SayTimeIsOver | RefundOrder | RefundCharge
