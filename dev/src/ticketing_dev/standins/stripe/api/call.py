"""One call of the API, as passed to an operation."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from ticketing_dev.standins.stripe.api.errors import Json, resource_missing
from ticketing_dev.standins.stripe.api.params import Params
from ticketing_dev.standins.stripe.store import Store


@dataclass(frozen=True)
class Call:
    """The input of an operation, which runs inside one transaction of the store."""

    store: Store
    params: Params
    api_version: str
    request_id: str | None
    """None for an action of the buyer or the bank, which is no API request."""
    path: dict[str, str] = field(default_factory=dict)
    idempotency_key: str | None = None

    def object_in_path(self, kind: str, placeholder: str) -> Json:
        """Return the object whose id is in the path. Raises StripeError (404)."""
        object_id = self.path[placeholder]
        found = self.store.find(kind, object_id)
        if found is None:
            raise resource_missing(kind, object_id, param=placeholder, status=404)
        return found


Operation: TypeAlias = Callable[[Call], Json]
"""The function of one route: returns the JSON of the response or raises StripeError."""


def now() -> int:
    """Return the Unix time in seconds."""
    return int(time.time())
