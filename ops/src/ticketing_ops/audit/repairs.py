"""Repairs. Each one is harmless where there is nothing to repair."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ResendEvents:
    """Send one service the events of a document again. It ignores those that it has handled."""

    service: str
    stream: str
    document: str
    """The id of the document or of its order, as the events contain it."""
    after: int = -1
    """The last version that is not sent."""

    def __str__(self) -> str:
        since = f" from version {self.after + 1} on" if self.after >= 0 else ""
        return f"Send the {self.stream} events of {self.document} to {self.service} again{since}"


@dataclass(frozen=True)
class ResendEvent:
    """Send an event to one service again, with the event's own id."""

    service: str
    stream: str
    sequence: int

    def __str__(self) -> str:
        return f"Send event {self.sequence} of {self.stream} to {self.service} again"


@dataclass(frozen=True)
class ExpireOrder:
    """Publish an order's expiration to orders, which cancels the order if it is overdue."""

    order: str

    def __str__(self) -> str:
        return f"Publish the expiration of order {self.order}"


@dataclass(frozen=True)
class RefundOrder:
    """Refund an order's payment with the payments service's own command."""

    order: str
    reason: str
    """The reason, which the buyer reads."""

    def __str__(self) -> str:
        return f"Refund the payment of order {self.order}"


@dataclass(frozen=True)
class RefundCharge:
    """Refund a charge at Stripe that belongs to no payment."""

    charge: str
    order: str

    def __str__(self) -> str:
        return f"Refund charge {self.charge} at Stripe"


Repair = ResendEvents | ResendEvent | ExpireOrder | RefundOrder | RefundCharge
REPAIR_ORDER = (ResendEvents, ResendEvent, ExpireOrder, RefundOrder, RefundCharge)
"""The order in which repairs run: one may need the effect of an earlier one."""
