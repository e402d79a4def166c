"""The listeners of all services."""

import contact.handlers
import expiration.handlers
import orders.handlers
import payments.handlers
import tickets.handlers
from expiration.timers import Timers
from ticketing_common.events import DomainEvent
from ticketing_common.messaging.listeners import Listeners


def service_listeners() -> list[Listeners]:
    """Return the listeners by service, in the order of `topology.SERVICES`."""
    return [
        Listeners("auth"),
        tickets.handlers.listeners,
        orders.handlers.listeners,
        payments.handlers.listeners,
        expiration.handlers.create_listeners(Timers("redis://unused")),
        contact.handlers.listeners,
    ]


def consumers_of(event: type[DomainEvent]) -> list[str]:
    """Return the services that consume an event."""
    return [
        listeners.service
        for listeners in service_listeners()
        if listeners.of(event.subject) is not None
    ]
