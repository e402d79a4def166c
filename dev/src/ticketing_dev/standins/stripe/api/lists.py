"""List responses: newest first, one page at a time, with cursors."""

from collections.abc import Sequence

from ticketing_dev.standins.stripe.api.call import Call
from ticketing_dev.standins.stripe.api.errors import Json, invalid_request, resource_missing
from ticketing_dev.standins.stripe.store import Operator, Where

COMPARISONS: dict[str, Operator] = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}


def list_page(call: Call, kind: str, *filters: str, where: Sequence[Where] = ()) -> Json:
    """Return the page of `kind` that the parameters select.

    `filters` are parameters that match a field by value. `where` has conditions that the caller
    built from parameters which it has removed.
    """
    params = call.params
    params.only("limit", "starting_after", "ending_before", "created", *filters)
    limit = params.integer("limit")
    limit = 10 if limit is None else limit
    if not 1 <= limit <= 100:
        raise invalid_request(
            "This value must be between 1 and 100 (inclusive).",
            code="parameter_invalid_integer",
            param="limit",
        )
    cursors = {name: params.text(name) for name in ("starting_after", "ending_before")}
    if all(cursors.values()):
        raise invalid_request(
            "Received both starting_after and ending_before parameters. Please pass in only one.",
            param="starting_after",
        )
    for name, cursor in cursors.items():
        if cursor and call.store.find(kind, cursor) is None:
            raise resource_missing(kind, cursor, param=name)

    by_value = [Where(name, "=", value) for name in filters if (value := params.text(name))]
    found = call.store.newest(
        kind,
        limit=limit + 1,
        older_than=cursors["starting_after"],
        newer_than=cursors["ending_before"],
        where=[*where, *created_conditions(call), *by_value],
    )
    page = found[-limit:] if cursors["ending_before"] else found[:limit]
    return {
        "object": "list",
        "url": f"/v1/{kind}s",
        "has_more": len(found) > limit,
        "data": page,
    }


def created_conditions(call: Call) -> list[Where]:
    """Return the conditions of `created=T` or `created[gte]=T`."""
    if isinstance(call.params.values.get("created"), str):
        return [Where("created", "=", call.params.integer("created") or 0)]
    times = call.params.group("created")
    if times is None:
        return []
    times.only(*COMPARISONS)
    return [Where("created", COMPARISONS[name], times.integer(name) or 0) for name in times.values]
