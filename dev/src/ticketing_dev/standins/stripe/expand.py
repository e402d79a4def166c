"""`expand[]`: ids in an answer turned into the objects they name."""

from ticketing_dev.standins.stripe.errors import Json, invalid
from ticketing_dev.standins.stripe.store import Store, Where

EXPANDABLE = {
    "latest_charge": "charge",
    "charge": "charge",
    "payment_intent": "payment_intent",
    "payment_method": "payment_method",
}


def expand(store: Store, answer: Json, paths: list[str]) -> Json:
    """Replace the id at each path, e.g. `latest_charge` or `data.payment_intent`, by its object."""
    for path in paths:
        follow(store, answer, path.split("."), path)
    return answer


def refunds_of(store: Store, charge: Json) -> Json:
    """The newest refunds of a charge, which it shows only where they are asked for."""
    found = store.newest("refund", limit=11, where=[Where("charge", "=", charge["id"])])
    return {
        "object": "list",
        "url": f"/v1/charges/{charge['id']}/refunds",
        "has_more": len(found) > 10,
        "data": found[:10],
    }


def follow(store: Store, node: Json, steps: list[str], path: str) -> None:
    field, *rest = steps
    if field == "data" and node.get("object") == "list" and rest:
        for item in node["data"]:
            follow(store, item, rest, path)
        return
    if field == "refunds" and node.get("object") == "charge":
        node[field] = refunds_of(store, node)
        return
    if field not in EXPANDABLE or field not in node:
        raise invalid(f"This property cannot be expanded ({path}).", param="expand")
    if isinstance(node[field], str):
        node[field] = store.find(EXPANDABLE[field], node[field])
    if rest and node[field]:
        follow(store, node[field], rest, path)
