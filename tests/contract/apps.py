"""The applications of the services with routes."""

from fastapi import FastAPI

from auth.app import create_app as auth
from auth.settings import AuthSettings
from orders.app import create_app as orders
from orders.settings import OrdersSettings
from payments.app import create_app as payments
from payments.settings import PaymentsSettings
from ticketing_testing import TestEnvironment
from tickets.app import create_app as tickets
from tickets.settings import TicketsSettings

NO_STORES = TestEnvironment("mongodb://unused/none", "nats://unused", "redis://unused")
"""For an application that is inspected but not started."""


def make_app(
    service: str, environment: TestEnvironment = NO_STORES, stripe_url: str = "http://unused"
) -> FastAPI:
    settings = environment.settings() | {
        "stripe_key": "sk_test_1",
        "stripe_webhook_secret": "whsec_1",
        "stripe_api_base": stripe_url,
    }
    match service:
        case "auth":
            return auth(AuthSettings(**settings))
        case "tickets":
            return tickets(TicketsSettings(**settings))
        case "orders":
            return orders(OrdersSettings(**settings))
        case "payments":
            return payments(PaymentsSettings(**settings))
        case _:
            raise ValueError(service)
