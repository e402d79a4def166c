"""What happened, told in Stripe's event objects, in the transaction that made it happen."""

import copy
import re

from ticketing_dev.standins.stripe.call import Call, now
from ticketing_dev.standins.stripe.errors import Json, invalid
from ticketing_dev.standins.stripe.lists import listing
from ticketing_dev.standins.stripe.store import Where, new_id

TYPES_AT_ONCE = 20


def record(call: Call, happened: str, thing: Json, before: Json | None = None) -> None:
    """Note that `happened`, e.g. `payment_intent.succeeded`, with the object as it is now.

    `before` holds the changed fields as they were, where Stripe tells them.
    """
    data = {"object": copy.deepcopy(thing)}
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
            "type": happened,
        }
    )
    deliveries.prepare(event)


def retrieve(call: Call) -> Json:
    call.params.only()
    return call.named("event", "id")


def list_newest(call: Call) -> Json:
    """Events, of one type (`charge.*` stands for all of a charge) or of several."""
    params = call.params
    one, several = params.text("type"), params.texts("types")
    if one and several:
        raise invalid("You may only specify one of these parameters: type, types.", param="types")
    if len(several) > TYPES_AT_ONCE:
        raise invalid(f"You may list up to {TYPES_AT_ONCE} types.", param="types")
    where = [Where("type", "GLOB", glob(one))] if one else []
    if several:
        where.append(Where("type", "IN", *several))
    if params.text("delivery_success"):
        delivered = params.boolean("delivery_success")
        where.append(Where("pending_webhooks", "=" if delivered else ">", 0))
    for name in ("type", "types", "delivery_success"):
        params.values.pop(name, None)
    return listing(call, "event", where=where)


def glob(pattern: str) -> str:
    """SQLite's pattern, in which only the asterisk is to be special."""
    return re.sub(r"[\[?]", r"[\g<0>]", pattern)
