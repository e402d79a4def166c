"""Which service consumes which domain event, without importing a service.

`subscriptions.json` is generated from the services' handlers:
`python -m ticketing_dev.tools.events.subscriptions`.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from ticketing_common.events import DomainEvent
from ticketing_common.messaging.replay import REPLAY_STREAM, replay_subject
from ticketing_common.messaging.streams import stream_of
from ticketing_ops.events.subjects import BY_SUBJECT


@dataclass(frozen=True)
class Subscription:
    """One listener of one service."""

    service: str
    listener: str
    """The service and the handler, such as `orders.expire_order`."""
    subject: str
    copy: str | None
    """The collection of the copy that the handler updates."""
    proof: Mapping[str, Any] | None
    """The collection of the document that shows that it was handled, and the condition `where`.
    Without a copy and a proof the handler uses the inbox."""


@cache
def subscriptions() -> tuple[Subscription, ...]:
    """Return every service's subscriptions."""
    text = files("ticketing_ops").joinpath("subscriptions.json").read_text()
    return tuple(Subscription(**row) for row in json.loads(text))


def services() -> list[str]:
    """Return the services that consume any event."""
    return list(dict.fromkeys(subscription.service for subscription in subscriptions()))


def consumed_events() -> dict[str, list[type[DomainEvent]]]:
    """Return the events that each service consumes."""
    return {
        service: [BY_SUBJECT[subject] for subject in subscriptions_of(service)]
        for service in services()
    }


def consumed_subjects(service: str) -> dict[str, list[str]]:
    """Return the subjects that a service's consumers must have, by stream."""
    subjects: dict[str, list[str]] = {}
    for subscription in subscriptions():
        if subscription.service == service:
            stream = stream_of(BY_SUBJECT[subscription.subject])
            subjects.setdefault(stream, []).append(subscription.subject)
    return subjects | {REPLAY_STREAM: [replay_subject(service, ">")]}


@cache
def subscriptions_of(service: str) -> dict[str, Subscription]:
    """Return a service's subscriptions by subject."""
    return {
        subscription.subject: subscription
        for subscription in subscriptions()
        if subscription.service == service
    }
