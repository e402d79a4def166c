"""The services with listeners. They reach no external service."""

from fastapi import FastAPI
from tests.contract.apps import make_app as make_http_app

from contact.app import create_app as contact
from contact.settings import ContactSettings
from expiration.app import create_app as expiration
from expiration.settings import ExpirationSettings
from ticketing_common.messaging.listeners import Listener, Listeners
from ticketing_dev.tools.events.service_listeners import service_listeners
from ticketing_testing import TestEnvironment

UNREACHABLE = "http://127.0.0.1:1"

LISTENERS_OF: dict[str, Listeners] = {
    listeners.service: listeners for listeners in service_listeners() if list(listeners)
}
"""By service, of those that have any."""
LISTENERS: list[Listener] = [
    listener for listeners in LISTENERS_OF.values() for listener in listeners
]


def name_of(listener: Listener) -> str:
    """Return a unique name: one handler can handle several events."""
    return f"{listener.name}({listener.event.__name__})"


def make_app(service: str, environment: TestEnvironment) -> FastAPI:
    settings = environment.settings()
    match service:
        case "contact":
            settings |= {"sendgrid_key": "SG.1", "sendgrid_email": "noreply@example.com"}
            settings |= {"public_url": UNREACHABLE, "sendgrid_api_base": UNREACHABLE}
            return contact(ContactSettings(**settings))
        case "expiration":
            return expiration(ExpirationSettings(**settings))
        case _:
            return make_http_app(service, environment, UNREACHABLE)
