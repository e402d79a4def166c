"""`expand[]`: replace ids in a response with the objects they identify."""

from ticketing_dev.standins.stripe.api.errors import Json, invalid_request
from ticketing_dev.standins.stripe.store import Store, Where

EXPANDABLE = {
    "latest_charge": "charge",
    "charge": "charge",
    "payment_intent": "payment_intent",
    "payment_method": "payment_method",
}


def expand(store: Store, response: Json, paths: list[str]) -> Json:
    """Expand each path of the response, e.g. `latest_charge` or `data.payment_intent`."""
    for path in paths:
        expand_path(store, response, path.split("."), path)
    return response


def refunds_of(store: Store, charge: Json) -> Json:
    """Return the newest refunds of a charge, which Stripe includes only when expanded."""
    found = store.newest("refund", limit=11, where=[Where("charge", "=", charge["id"])])
    return {
        "object": "list",
        "url": f"/v1/charges/{charge['id']}/refunds",
        "has_more": len(found) > 10,
        "data": found[:10],
    }


def expand_path(store: Store, node: Json, steps: list[str], path: str) -> None:
    """Expand the remaining steps of a path below a node. Raises StripeError."""
    field, *rest = steps
    if field == "data" and node.get("object") == "list" and rest:
        for item in node["data"]:
            expand_path(store, item, rest, path)
        return
    if field == "refunds" and node.get("object") == "charge":
        node[field] = refunds_of(store, node)
        return
    if field not in EXPANDABLE or field not in node:
        raise invalid_request(f"This property cannot be expanded ({path}).", param="expand")
    if isinstance(node[field], str):
        node[field] = store.find(EXPANDABLE[field], node[field])
    if rest and node[field]:
        expand_path(store, node[field], rest, path)
