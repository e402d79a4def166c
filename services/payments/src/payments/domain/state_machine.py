"""The life of a payment: its states, what leads from one to another, what to do next.

No I/O: Stripe is asked by `processing`, what it said is noted by `rules`. The picture in
docs/payments.md is drawn from `TRANSITIONS`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from ticketing_common.events.payments import PaymentStatus

S = PaymentStatus

UNDER_WAY = frozenset({S.STARTED, S.NEEDS_CONFIRMATION})
"""Nobody knows yet whether there will be a charge."""

TRANSITIONS: Mapping[PaymentStatus, Mapping[PaymentStatus, str]] = {
    S.STARTED: {
        S.NEEDS_CONFIRMATION: "the bank asks the buyer",
        S.SUCCEEDED: "charged",
        S.FAILED: "declined, or cancelled in time",
    },
    S.NEEDS_CONFIRMATION: {
        S.SUCCEEDED: "the buyer confirmed",
        S.FAILED: "the buyer did not, and it is cancelled at Stripe",
    },
    S.FAILED: {S.SUCCEEDED: "there is a charge after all"},
    S.SUCCEEDED: {
        S.REFUND_PENDING: "the order is cancelled, or an operator says so",
        S.REFUNDED: "given back at Stripe",
    },
    S.REFUND_PENDING: {S.REFUNDED: "Stripe gave it back"},
    S.REFUNDED: {S.REFUND_PENDING: "the buyer's bank did not take it"},
}


@dataclass(frozen=True)
class Refunds:
    """What became of a charge's refunds, in minor units."""

    done: int = 0
    pending: int = 0
    failed: int = 0
    """How many came back: their count, not their amount."""


@dataclass(frozen=True)
class Intent:
    """A PaymentIntent, as far as it tells how a payment stands."""

    id: str
    status: str
    """Stripe's word: docs.stripe.com/payments/paymentintents/lifecycle."""
    client_secret: str | None = None
    message: str | None = None
    """Why the last card was declined, for the buyer."""
    refunds: Refunds | None = None
    """None where this was not looked at."""


class Step(StrEnum):
    """What a payment needs of Stripe next."""

    CONFIRM = "confirm"
    CANCEL = "cancel"
    REFUND = "refund"
    NOTHING = "nothing"


def next_step(
    status: PaymentStatus, intent: Intent, *, amount: int, wanted: bool, refund: int
) -> Step:
    """What to ask of Stripe, given how the intent stands.

    `wanted`: the order can still be had and its time is not over. `refund`: which try to refund
    it is, 1 for the first; one that the bank has sent back is not repeated by itself.
    """
    if status in UNDER_WAY:
        match intent.status:
            case "requires_confirmation":
                return Step.CONFIRM if wanted else Step.CANCEL
            case "requires_action" | "processing":
                return Step.NOTHING if wanted else Step.CANCEL
            case "requires_payment_method" if status == S.NEEDS_CONFIRMATION:
                return Step.CANCEL  # the buyer's browser could still try another card on it
            case _:
                return Step.NOTHING
    if status == S.REFUND_PENDING and (refunds := intent.refunds) is not None:
        given = refunds.done + refunds.pending
        return Step.REFUND if given < amount and refunds.failed < refund else Step.NOTHING
    return Step.NOTHING


def stands(status: PaymentStatus, intent: Intent, *, amount: int) -> PaymentStatus:
    """How a payment stands, given how its intent does. What is old or unknown changes nothing."""
    refunds = intent.refunds
    match status:
        case S.STARTED | S.NEEDS_CONFIRMATION | S.FAILED if intent.status == "succeeded":
            return S.SUCCEEDED
        case S.STARTED | S.NEEDS_CONFIRMATION if intent.status == "canceled":
            return S.FAILED
        # Nobody but us could confirm it, and we never do so twice.
        case S.STARTED if intent.status == "requires_payment_method":
            return S.FAILED
        case S.STARTED if intent.status == "requires_action":
            return S.NEEDS_CONFIRMATION
        case S.SUCCEEDED | S.REFUND_PENDING if refunds is not None and refunds.done >= amount:
            return S.REFUNDED
        case S.REFUNDED if refunds is not None and refunds.failed:
            return S.REFUNDED if refunds.done + refunds.pending >= amount else S.REFUND_PENDING
        case _:
            return status
