"""What happened, told in Stripe's event objects, in the transaction that made it happen.

Webhooks are not sent yet: they will be deliveries of these rows, so nothing else has to know.
"""

import copy

from ticketing_dev.stand_ins.stripe.call import Call, now
from ticketing_dev.stand_ins.stripe.errors import Json
from ticketing_dev.stand_ins.stripe.lists import listing
from ticketing_dev.stand_ins.stripe.store import new_id


def record(call: Call, happened: str, thing: Json) -> None:
    """Note that `happened`, e.g. `payment_intent.succeeded`, with the object as it is now."""
    call.store.add(
        {
            "id": new_id("evt"),
            "object": "event",
            "api_version": call.api_version,
            "created": now(),
            "data": {"object": copy.deepcopy(thing)},
            "livemode": False,
            "pending_webhooks": 0,
            "request": {"id": call.request_id, "idempotency_key": call.idempotency_key},
            "type": happened,
        }
    )


def retrieve(call: Call) -> Json:
    call.params.only()
    return call.named("event", "id")


def list_newest(call: Call) -> Json:
    return listing(call, "event", "type")
