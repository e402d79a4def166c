"""Stripe's event objects, recorded in the transaction of the change."""

import copy
import re

from ticketing_dev.standins.stripe.api.call import Call, now
from ticketing_dev.standins.stripe.api.errors import Json, invalid_request
from ticketing_dev.standins.stripe.api.lists import list_page
from ticketing_dev.standins.stripe.store import Where, new_id

MAX_TYPES = 20


def record(call: Call, event_type: str, subject: Json, before: Json | None = None) -> None:
    """Record an event, e.g. `payment_intent.succeeded`, with the current state of its object.

    `before` has the previous values of the changed fields, for the events in which Stripe has them.
    """
    data = {"object": copy.deepcopy(subject)}
    if before is not None:
        data["previous_attributes"] = before
    deliveries = call.store.deliveries
    event = call.store.add(
        {
            "id": new_id("evt"),
            "object": "event",
            "api_version": call.api_version,
            "created": now(),
            "data": data,
            "livemode": False,
            "pending_webhooks": 0 if deliveries.endpoint is None else 1,
            "request": {"id": call.request_id, "idempotency_key": call.idempotency_key},
            "type": event_type,
        }
    )
    deliveries.enqueue(event)


def retrieve(call: Call) -> Json:
    """Serve GET /v1/events/{id}."""
    call.params.only()
    return call.object_in_path("event", "id")


def list_newest(call: Call) -> Json:
    """Serve GET /v1/events, by one type (`charge.*` is a pattern) or by several."""
    params = call.params
    one, several = params.text("type"), params.texts("types")
    if one and several:
        raise invalid_request(
            "You may only specify one of these parameters: type, types.", param="types"
        )
    if len(several) > MAX_TYPES:
        raise invalid_request(f"You may list up to {MAX_TYPES} types.", param="types")
    where = [Where("type", "GLOB", glob(one))] if one else []
    if several:
        where.append(Where("type", "IN", *several))
    if params.text("delivery_success"):
        delivered = params.boolean("delivery_success")
        where.append(Where("pending_webhooks", "=" if delivered else ">", 0))
    for name in ("type", "types", "delivery_success"):
        params.values.pop(name, None)
    return list_page(call, "event", where=where)


def glob(pattern: str) -> str:
    """Return the SQLite pattern, in which only the asterisk is special."""
    return re.sub(r"[\[?]", r"[\g<0>]", pattern)
