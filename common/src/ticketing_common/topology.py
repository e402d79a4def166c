"""The list of services. Manifests, workflows, images and tools are checked against it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Service:
    """One service of the system."""

    name: str
    has_database: bool
    """Whether the service has a MongoDB database, which is named after it."""
    route_prefix: str | None = None
    """The path prefix of its public API; None for a service without routes."""


SERVICES = (
    Service("auth", has_database=True, route_prefix="/api/users"),
    Service("tickets", has_database=True, route_prefix="/api/tickets"),
    Service("orders", has_database=True, route_prefix="/api/orders"),
    Service("payments", has_database=True, route_prefix="/api/payments"),
    Service("expiration", has_database=False),
    Service("contact", has_database=True),
)
"""All services, in the order in which an order passes through them."""
SERVICE_NAMES = tuple(service.name for service in SERVICES)
SERVICES_WITH_DATABASE = tuple(service.name for service in SERVICES if service.has_database)
SERVICES_WITH_ROUTES = tuple(service.name for service in SERVICES if service.route_prefix)
