"""What Stripe tells us by itself: verified, noted in a ledger, taken in once."""

from typing import Any

import structlog
from beanie import PydanticObjectId
from bson.errors import InvalidId
from pydantic import BaseModel, ValidationError
from pymongo.errors import DuplicateKeyError

from payments.domain import rules
from payments.domain.documents import Payment, WebhookEvent
from payments.domain.state_machine import Intent
from payments.stripe.client import is_signed
from ticketing_common.errors import BadRequest
from ticketing_common.events import utc_now
from ticketing_common.persistence.transaction import transactional

log = structlog.get_logger(__name__)

FINAL = ("succeeded", "canceled")
"""How an intent ends. Only this is believed from an event: the rest may be old news, so we look."""

TYPES = [
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
"""What Stripe should be told to send, and what a reconciliation asks for."""


class BadSignature(BadRequest):
    message = "The signature does not fit the body"


class Thing(BaseModel):
    """What an event tells of: the few fields that every API version has."""

    id: str
    object: str
    status: str | None = None
    payment_intent: str | None = None
    metadata: dict[str, str] | None = None
    last_payment_error: dict[str, Any] | None = None

    @property
    def intent_id(self) -> str | None:
        return self.id if self.object == "payment_intent" else self.payment_intent


class Data(BaseModel):
    object: Thing


class StripeEvent(BaseModel):
    id: str
    type: str
    data: Data


def verified(body: bytes, signature: str | None, secret: str) -> StripeEvent | None:
    """The event that Stripe signed, None for one that is of a kind unknown to us.

    Raises BadSignature for a body that Stripe did not sign, or not lately.
    """
    if not is_signed(body, signature, secret):
        raise BadSignature
    try:
        return StripeEvent.model_validate_json(body)
    except ValidationError:
        log.warning("webhook.unreadable")
        return None


async def take_in(event: StripeEvent) -> bool:
    """Have what the event tells happen, if it has not yet; whether it is news."""
    try:
        return await _take_in(event)
    except DuplicateKeyError:
        return False


@transactional
async def _take_in(event: StripeEvent) -> bool:
    if await WebhookEvent.get(event.id) is not None:
        return False
    thing = event.data.object
    payment = await _payment_of(thing) if event.type in TYPES else None
    heard = WebhookEvent(
        id=event.id, type=event.type, at=utc_now(), payment_id=payment.id if payment else None
    )
    await heard.insert()
    if payment is None:
        return True
    if event.type.startswith("charge.dispute."):
        await rules.note_dispute(
            payment.id,
            thing.id,
            is_open=event.type.endswith("created"),
            is_lost=thing.status == "lost",
        )
    if thing.object == "payment_intent" and thing.status in FINAL:
        message = (thing.last_payment_error or {}).get("message")
        await rules.note(payment.id, Intent(thing.id, str(thing.status), message=message))
    else:
        await rules.look_now(payment.id)
    return True


async def _payment_of(thing: Thing) -> Payment | None:
    """Ours, if it is: one account at Stripe may serve others too."""
    if thing.intent_id is not None:
        by_intent = await Payment.find_one({"stripe_id": thing.intent_id})
        if by_intent is not None:
            return by_intent
    try:
        named = await Payment.get(PydanticObjectId((thing.metadata or {}).get("payment_id", "")))
    except InvalidId:
        return None
    # One that has an intent has no other.
    return named if named is not None and named.stripe_id is None else None
