"""What happened, told in Stripe's event objects, in the transaction that made it happen."""

import copy

from ticketing_dev.stand_ins.stripe.call import Call, now
from ticketing_dev.stand_ins.stripe.errors import Json
from ticketing_dev.stand_ins.stripe.lists import listing
from ticketing_dev.stand_ins.stripe.store import new_id


def record(call: Call, happened: str, thing: Json) -> None:
    """Note that `happened`, e.g. `payment_intent.succeeded`, with the object as it is now."""
    deliveries = call.store.deliveries
    event = call.store.add(
        {
            "id": new_id("evt"),
            "object": "event",
            "api_version": call.api_version,
            "created": now(),
            "data": {"object": copy.deepcopy(thing)},
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
    return listing(call, "event", "type")
