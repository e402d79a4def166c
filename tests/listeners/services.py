"""Any service that listens, in a world of a test's own, with nothing of the world outside."""

from fastapi import FastAPI
from tests.contract.apps import make_app as make_http_app

from contact.app import create_app as contact
from contact.settings import ContactSettings
from expiration.app import create_app as expiration
from expiration.settings import ExpirationSettings
from ticketing_common.messaging.listeners import Listener, Listeners
from ticketing_dev.tools.diagram import subscription_lists
from ticketing_testing import TestEnvironment

NOWHERE = "http://127.0.0.1:1"

LISTS: dict[str, Listeners] = {
    subscribed.service: subscribed for subscribed in subscription_lists() if list(subscribed)
}
"""By service, of those that listen to anything."""
LISTENERS: list[Listener] = [listener for subscribed in LISTS.values() for listener in subscribed]


def name_of(listener: Listener) -> str:
    """One row of one subscription list: a handler may be in a list twice."""
    return f"{listener.name}({listener.event.__name__})"


def make_app(service: str, environment: TestEnvironment) -> FastAPI:
    settings = environment.settings()
    match service:
        case "contact":
            settings |= {"sendgrid_key": "SG.1", "sendgrid_email": "market@example.com"}
            settings |= {"public_url": NOWHERE, "sendgrid_api_base": NOWHERE}
            return contact(ContactSettings(**settings))
        case "expiration":
            return expiration(ExpirationSettings(**settings))
        case _:
            return make_http_app(service, environment, NOWHERE)
