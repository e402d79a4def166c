"""The state machine of a payment: its statuses, its transitions, its next step.

Pure: `jobs.settlement` calls Stripe, `domain.outcomes` stores the results. The diagram in
docs/payments.md is generated from `TRANSITIONS`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from ticketing_common.events import PaymentStatus

STARTED = PaymentStatus.STARTED
NEEDS_CONFIRMATION = PaymentStatus.NEEDS_CONFIRMATION
SUCCEEDED = PaymentStatus.SUCCEEDED
FAILED = PaymentStatus.FAILED
REFUND_PENDING = PaymentStatus.REFUND_PENDING
REFUNDED = PaymentStatus.REFUNDED
CHARGED_BACK = PaymentStatus.CHARGED_BACK

IN_PROGRESS = frozenset({STARTED, NEEDS_CONFIRMATION})
"""It is not known yet whether there will be a charge."""

TRANSITIONS: Mapping[PaymentStatus, Mapping[PaymentStatus, str]] = {
    STARTED: {
        NEEDS_CONFIRMATION: "the bank asks the buyer to confirm",
        SUCCEEDED: "charged",
        FAILED: "declined, or cancelled in time",
    },
    NEEDS_CONFIRMATION: {
        SUCCEEDED: "the buyer confirmed",
        FAILED: "not confirmed, and cancelled at Stripe",
    },
    FAILED: {SUCCEEDED: "charged at Stripe after all"},
    SUCCEEDED: {
        REFUND_PENDING: "order cancelled, or refund requested by an operator",
        REFUNDED: "refunded at Stripe",
        CHARGED_BACK: "to be refunded after a lost dispute",
    },
    REFUND_PENDING: {REFUNDED: "the refund succeeded", CHARGED_BACK: "dispute lost"},
    REFUNDED: {REFUND_PENDING: "the buyer's bank returned the refund"},
    CHARGED_BACK: {},
}


@dataclass(frozen=True)
class Refunds:
    """The refunds of a charge: amounts in minor units, and the number that failed."""

    succeeded: int = 0
    pending: int = 0
    failed_count: int = 0


@dataclass(frozen=True)
class Intent:
    """The fields of a PaymentIntent that a payment's status depends on."""

    id: str
    status: str
    """Stripe's status: docs.stripe.com/payments/paymentintents/lifecycle."""
    client_secret: str | None = None
    message: str | None = None
    """Why it was declined, for the buyer."""
    refunds: Refunds | None = None
    """None if the charge was not retrieved."""
    amount: int | None = None
    """The minor units that Stripe has charged, or will. None if an answer does not have them."""
    currency: str | None = None

    def is_about(self, amount: int, currency: str) -> bool:
        """Return whether it charges this amount in this currency, as far as it is known."""
        return self.amount in (None, amount) and self.currency in (None, currency)


class Step(StrEnum):
    """A call to Stripe."""

    CONFIRM = "confirm"
    CANCEL = "cancel"
    REFUND = "refund"
    NOTHING = "nothing"


def next_step(
    status: PaymentStatus, intent: Intent, *, amount: int, is_payable: bool, refund_attempt: int
) -> Step:
    """Return the call to Stripe that a payment needs now.

    `is_payable`: the order is open and the time to pay is not over. `refund_attempt` counts from 1:
    a refund that the bank returned is repeated only when an operator requests the next attempt.
    """
    if status in IN_PROGRESS:
        match intent.status:
            case "requires_confirmation":
                return Step.CONFIRM if is_payable else Step.CANCEL
            case "requires_action" | "processing":
                return Step.NOTHING if is_payable else Step.CANCEL
            case "requires_payment_method" if status == NEEDS_CONFIRMATION:
                return Step.CANCEL  # the buyer's browser could still use another card on it
            case _:
                return Step.NOTHING
    if status == REFUND_PENDING and (refunds := intent.refunds) is not None:
        is_missing = refunds.succeeded + refunds.pending < amount
        return Step.REFUND if is_missing and refunds.failed_count < refund_attempt else Step.NOTHING
    return Step.NOTHING


def next_status(status: PaymentStatus, intent: Intent, *, amount: int) -> PaymentStatus:
    """Return a payment's status after an answer of Stripe. Old or unknown ones change nothing."""
    refunds = intent.refunds
    match status:
        case PaymentStatus.STARTED | PaymentStatus.NEEDS_CONFIRMATION | PaymentStatus.FAILED if (
            intent.status == "succeeded"
        ):
            return SUCCEEDED
        case PaymentStatus.STARTED | PaymentStatus.NEEDS_CONFIRMATION if (
            intent.status == "canceled"
        ):
            return FAILED
        # Only this service can confirm a started one, and it does so once.
        case PaymentStatus.STARTED if intent.status == "requires_payment_method":
            return FAILED
        case PaymentStatus.STARTED if intent.status == "requires_action":
            return NEEDS_CONFIRMATION
        case PaymentStatus.SUCCEEDED | PaymentStatus.REFUND_PENDING if (
            refunds is not None and refunds.succeeded >= amount
        ):
            return REFUNDED
        case PaymentStatus.REFUNDED if refunds is not None and refunds.failed_count:
            is_covered = refunds.succeeded + refunds.pending >= amount
            return REFUNDED if is_covered else REFUND_PENDING
        case _:
            return status
