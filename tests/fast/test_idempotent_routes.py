from fastapi.routing import APIRoute, iter_route_contexts

from ticketing_common.web.error_handlers import depends_on
from ticketing_common.web.idempotency import _idempotency
from ticketing_common.web.middleware.origin_check import MUTATING_METHODS
from ticketing_dev.tools import openapi

IDEMPOTENT = ("tickets", "orders")


def transactional_routes(service: str) -> list[APIRoute]:
    return [
        context.original_route
        for context in iter_route_contexts(openapi.apps()[service].routes)
        if isinstance(context.original_route, APIRoute)
        and MUTATING_METHODS & set(context.methods or ())
        and hasattr(context.original_route.endpoint, "__wrapped__")
    ]


def test_transactional_routes_store_their_response_in_the_transaction() -> None:
    for service in IDEMPOTENT:
        routes = transactional_routes(service)
        assert routes
        for route in routes:
            assert depends_on(route.dependant, _idempotency), f"{service}: {route.name}"
