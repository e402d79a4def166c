"""One call to the API, as a rule sees it."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from ticketing_dev.standins.stripe.errors import Json, no_such
from ticketing_dev.standins.stripe.params import Params
from ticketing_dev.standins.stripe.store import Store


@dataclass(frozen=True)
class Call:
    """Everything a rule may touch. It runs inside one transaction of the store."""

    store: Store
    params: Params
    api_version: str
    request_id: str | None
    """None where nobody asked: the buyer or the bank did something."""
    path: dict[str, str] = field(default_factory=dict)
    idempotency_key: str | None = None

    def named(self, kind: str, placeholder: str) -> Json:
        """The object that the path names; 404 if there is none."""
        name = self.path[placeholder]
        found = self.store.find(kind, name)
        if found is None:
            raise no_such(kind, name, param=placeholder, status=404)
        return found


Rule: TypeAlias = Callable[[Call], Json]
"""What one route does: the JSON to answer, or a StripeError."""


def now() -> int:
    return int(time.time())
