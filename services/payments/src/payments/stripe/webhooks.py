"""Stripe's webhook events: verified, recorded in a ledger, processed once."""

from datetime import timedelta
from typing import Any, ClassVar

import stripe
import structlog
from beanie import Document, PydanticObjectId
from bson.errors import InvalidId
from pydantic import BaseModel, ValidationError
from pymongo import IndexModel
from pymongo.errors import DuplicateKeyError

from payments.domain.disputes import record_dispute
from payments.domain.documents import Payment
from payments.domain.outcomes import record_intent_state
from payments.domain.polling import request_poll
from payments.domain.state_machine import Intent
from payments.errors import InvalidSignature
from payments.stripe.buyer_messages import buyer_message
from ticketing_common.events import UtcTime, utc_now
from ticketing_common.persistence.transaction import transactional

log = structlog.get_logger(__name__)

SIGNATURE_AGE_SECONDS = 300
"""Stripe's default. Stripe signs each redelivery again."""
FINAL_STATUSES = ("succeeded", "canceled")
"""Statuses of an intent that are final, so that an event is proof of them. An event with another
status can be outdated, and only causes a poll."""

EVENT_TYPES = [
    "payment_intent.succeeded",
    "payment_intent.canceled",
    "payment_intent.payment_failed",
    "payment_intent.processing",
    "payment_intent.requires_action",
    "charge.refunded",
    "refund.created",
    "refund.updated",
    "refund.failed",
    "charge.dispute.created",
    "charge.dispute.closed",
]
"""The events that Stripe must send, and that reconciliation lists."""


class WebhookEvent(Document):
    """A processed event in the ledger. Its id is Stripe's."""

    class Settings:
        name: ClassVar[str] = "stripe_events"
        # Stripe lists an event for 30 days, so reconciliation cannot find an older one.
        indexes: ClassVar[list[IndexModel]] = [
            IndexModel("processed_at", expireAfterSeconds=int(timedelta(days=45).total_seconds()))
        ]

    id: str  # type: ignore[assignment]
    type: str
    processed_at: UtcTime
    payment_id: PydanticObjectId | None = None


class StripeObject(BaseModel):
    """The object of an event: the fields that every version of Stripe's API has."""

    id: str
    object: str
    status: str | None = None
    payment_intent: str | None = None
    metadata: dict[str, str] | None = None
    last_payment_error: dict[str, Any] | None = None
    amount_received: int | None = None
    currency: str | None = None

    @property
    def intent_id(self) -> str | None:
        return self.id if self.object == "payment_intent" else self.payment_intent


class StripeEventData(BaseModel):
    object: StripeObject


class StripeEvent(BaseModel):
    """An event as Stripe sends it."""

    id: str
    type: str
    data: StripeEventData


def verify(body: bytes, signature: str | None, secret: str) -> StripeEvent | None:
    """Return the event that Stripe signed, None if it is of an unknown form.

    Raises: InvalidSignature.
    """
    if not _is_signed(body, signature, secret):
        raise InvalidSignature
    try:
        return StripeEvent.model_validate_json(body)
    except ValidationError:
        log.warning("webhook.invalid")
        return None


async def process(event: StripeEvent) -> bool:
    """Apply an event to its payment. Returns False if the ledger has it already."""
    try:
        return await _process(event)
    except DuplicateKeyError:  # another process was faster
        return False


@transactional
async def _process(event: StripeEvent) -> bool:
    if await WebhookEvent.get(event.id) is not None:
        return False
    source = event.data.object
    payment = await _payment_of(source) if event.type in EVENT_TYPES else None
    await WebhookEvent(
        id=event.id,
        type=event.type,
        processed_at=utc_now(),
        payment_id=payment.id if payment is not None else None,
    ).insert()
    if payment is None:
        return True
    if event.type.startswith("charge.dispute."):
        await record_dispute(
            payment.id,
            source.id,
            is_open=event.type.endswith("created"),
            is_lost=source.status == "lost",
            is_inquiry=(source.status or "").startswith("warning"),
        )
    intent = _final_intent(source)
    # Stripe itself is asked about an amount that is not the order's.
    if intent is not None and intent.is_about(payment.amount, payment.currency):
        await record_intent_state(payment.id, intent)
    else:
        await request_poll(payment.id)
    return True


def _final_intent(source: StripeObject) -> Intent | None:
    """Return the PaymentIntent that the event is about, None unless its status is final."""
    if source.object != "payment_intent" or source.status not in FINAL_STATUSES:
        return None
    error = source.last_payment_error
    return Intent(
        source.id,
        source.status,
        message=buyer_message(error) if error is not None else None,
        amount=source.amount_received if source.status == "succeeded" else None,
        currency=source.currency,
    )


async def _payment_of(source: StripeObject) -> Payment | None:
    """Return the payment of an event. Another system may use the same Stripe account."""
    if source.intent_id is not None:
        by_intent = await Payment.find_one({"stripe_id": source.intent_id})
        if by_intent is not None:
            return by_intent
    try:
        payment_id = PydanticObjectId((source.metadata or {}).get("payment_id", ""))
    except InvalidId:
        return None
    by_metadata = await Payment.get(payment_id)
    # A payment with an intent has no other intent.
    return by_metadata if by_metadata is not None and by_metadata.stripe_id is None else None


def _is_signed(body: bytes, signature: str | None, secret: str) -> bool:
    """Return whether Stripe signed the body at most `SIGNATURE_AGE_SECONDS` ago."""
    try:
        stripe.WebhookSignature.verify_header(body, signature, secret, SIGNATURE_AGE_SECONDS)
    except (stripe.SignatureVerificationError, UnicodeDecodeError):
        return False
    except TypeError:  # a signature that is not ASCII cannot be compared
        return False
    return True
