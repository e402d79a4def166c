"""The tables of the contract as data."""

from dataclasses import dataclass, field
from typing import Any

from ticketing_common.topology import SERVICES

AN_ID = "0123456789abcdef01234567"
PASSWORD = "correct horse battery staple"

BASES = {service.name: service.route_prefix for service in SERVICES if service.route_prefix}
"""The route prefix of each service with routes."""

PROBES = ("/healthz", "/readyz", "/metrics")


@dataclass(frozen=True, eq=False)
class Route:
    """One row of a table of routes, with valid input."""

    service: str
    method: str
    path: str
    """As in the OpenAPI document, after the service's prefix."""
    statuses: set[int]
    """The statuses of this route, in addition to those of every route."""
    needs_session: bool = False
    idempotent: bool = False
    """Whether it takes an Idempotency-Key."""
    body: dict[str, Any] = field(default_factory=dict)
    query: tuple[str, ...] = ()
    needs_body: bool = True
    raw_body: bool = False
    """Whether the format of the body is not the project's own."""

    @property
    def template(self) -> str:
        return BASES[self.service] + self.path

    @property
    def url(self) -> str:
        """The path with ids."""
        return (
            self.template.replace("{ticketId}", AN_ID)
            .replace("{orderId}", AN_ID)
            .replace("{paymentId}", AN_ID)
        )

    def __str__(self) -> str:
        return f"{self.method} {self.template}"


def _mutating(service: str, method: str, path: str, *statuses: int, **fields: Any) -> Route:
    """Return a mutating route of tickets, orders or payments."""
    return Route(service, method, path, {*statuses}, needs_session=True, idempotent=True, **fields)


_ORDER = {"ticketId": AN_ID, "ticketVersions": {AN_ID: 0}}
_ACCOUNT = {"email": "a@example.com", "password": PASSWORD}
_RESET = {"token": "t", "newPassword": PASSWORD, "repeatedNewPassword": PASSWORD}
_TICKET = {"title": "Concert", "price": 19.99}

ROUTES = (
    Route("auth", "POST", "/signup", {201, 400}, body=_ACCOUNT),
    Route("auth", "POST", "/signin", {200, 400, 429}, body=_ACCOUNT),
    Route("auth", "POST", "/signout", {200}),
    Route("auth", "POST", "/signout-everywhere", {200, 401}, needs_session=True),
    Route("auth", "GET", "/currentuser", {200}),
    Route("auth", "POST", "/forgot-password", {200, 429}, body={"email": "a@example.com"}),
    Route(
        "auth",
        "POST",
        "/validate-token",
        {200, 401, 404},
        body={"token": "t"},
        query=("token",),
        needs_body=False,
    ),
    Route("auth", "POST", "/reset-password", {200, 400, 401, 404}, body=_RESET, query=("token",)),
    _mutating("tickets", "POST", "", 201, body=_TICKET),
    Route("tickets", "GET", "", {200, 401}, query=("q", "sort", "limit", "cursor", "seller")),
    Route("tickets", "GET", "/stream", {200}, query=("lastEventId",)),
    Route("tickets", "GET", "/{ticketId}", {200, 400, 404}),
    _mutating("tickets", "PUT", "/{ticketId}", 200, 400, 404, body=_TICKET),
    _mutating("tickets", "DELETE", "/{ticketId}", 204, 400, 404),
    _mutating("orders", "POST", "", 201, 400, 404, body=_ORDER),
    Route("orders", "GET", "", {200}, needs_session=True, query=("limit", "cursor")),
    Route("orders", "GET", "/stream", {200}, needs_session=True, query=("lastEventId",)),
    Route("orders", "GET", "/{orderId}", {200, 400, 404}, needs_session=True),
    Route("orders", "GET", "/{orderId}/stream", {200, 400, 404}, needs_session=True),
    _mutating("orders", "DELETE", "/{orderId}", 204, 400, 404),
    _mutating(
        "payments",
        "POST",
        "",
        *(201, 202, 400, 402, 404),
        body={"orderId": AN_ID, "token": "tok_visa"},
    ),
    Route("payments", "GET", "", {200, 400, 404}, needs_session=True, query=("orderId",)),
    Route("payments", "GET", "/{paymentId}", {200, 400, 404}, needs_session=True),
    Route("payments", "POST", "/webhook", {200, 400}, raw_body=True, needs_body=False),
)


@dataclass(frozen=True, eq=False)
class EventRow:
    """One row of the table of events."""

    subject: str
    producer: str
    consumers: set[str]
    fields: set[str]
    """The names in JSON. A dot separates an object from its field, `?` marks a nullable field."""
    followers: frozenset[str] | set[str] = frozenset()
    """The services of which every process follows it in memory, without a consumer."""


_TICKET_FIELDS = {"id", "version", "title", "price", "userId"}
_ORDER_FIELDS = {"id", "version", "status", "userId", "ticket.id"}
_PAYMENT_FIELDS = {"id", "version", "orderId", "stripeId"}

EVENTS = {
    "UserSignedUp": EventRow("user.signed-up", "auth", {"contact"}, {"id", "version", "email"}),
    "UserSignedIn": EventRow("user.signed-in", "auth", {"contact"}, {"id", "version"}),
    "UserForgotPassword": EventRow(
        "user.forgot-password",
        "auth",
        {"contact"},
        {"id", "version", "token.value", "token.type", "token.expiresAt"},
    ),
    "UserChangedPassword": EventRow(
        "user.changed-password",
        "auth",
        {"contact"},
        {"id", "version", "changedAt"},
    ),
    "UserSessionEnded": EventRow(
        "user.session-ended",
        "auth",
        set(),
        {"id", "version", "sid?", "endedAt"},
        followers={"tickets", "orders", "payments"},
    ),
    "TicketCreated": EventRow("ticket.created", "tickets", {"orders", "contact"}, _TICKET_FIELDS),
    "TicketUpdated": EventRow(
        "ticket.updated",
        "tickets",
        {"orders", "contact"},
        _TICKET_FIELDS | {"orderId?", "reservedUntil?", "soldAt?"},
    ),
    "TicketDeleted": EventRow(
        "ticket.deleted", "tickets", {"orders", "contact"}, {"id", "version"}
    ),
    "OrderCreated": EventRow(
        "order.created",
        "orders",
        {"tickets", "payments", "expiration", "contact"},
        _ORDER_FIELDS | {"expiresAt", "ticket.title", "ticket.price", "ticket.version?"},
    ),
    "OrderAwaitingPayment": EventRow(
        "order.awaiting-payment", "orders", {"payments"}, {"id", "version", "status", "userId?"}
    ),
    "OrderOverdue": EventRow("order.overdue", "orders", {"payments"}, {"id", "version", "status"}),
    "OrderCancelled": EventRow(
        "order.cancelled",
        "orders",
        {"tickets", "payments", "expiration", "contact"},
        _ORDER_FIELDS | {"reason"},
    ),
    "OrderCompleted": EventRow(
        "order.completed",
        "orders",
        {"tickets", "payments", "contact"},
        _ORDER_FIELDS | {"completedAt?", "ticket.title?", "ticket.price?"},
    ),
    "ExpirationCompleted": EventRow("expiration.completed", "expiration", {"orders"}, {"orderId"}),
    "PaymentStarted": EventRow("payment.started", "payments", {"orders"}, {"id", "orderId"}),
    "PaymentCreated": EventRow(
        "payment.created", "payments", {"orders", "contact"}, _PAYMENT_FIELDS
    ),
    "PaymentFailed": EventRow("payment.failed", "payments", {"orders"}, {"id", "orderId"}),
    "PaymentMissed": EventRow("payment.missed", "payments", {"orders"}, {"orderId"}),
    "PaymentRefunded": EventRow(
        "payment.refunded", "payments", {"contact"}, _PAYMENT_FIELDS | {"reason"}
    ),
}

_STORED = {"MONGO_URI": True, "NATS_URL": True, "OTEL_EXPORTER_OTLP_ENDPOINT": False}
_STORED |= {"LOG_LEVEL": False}
_WITH_SESSIONS = {**_STORED, "JWT_PUBLIC_KEYS": True, "COOKIE_SECURE": False}
_WITH_SESSIONS |= {"LIMITS_REDIS_URL": False, "TRUSTED_PROXIES": False}
_WITH_SESSIONS |= {"LIMITS_BY_ADDRESS_FACTOR": False}

ENVIRONMENT = {
    "auth": {**_WITH_SESSIONS, "JWT_PRIVATE_KEY": True},
    "tickets": {**_WITH_SESSIONS, "CURRENCY": False},
    "orders": {**_WITH_SESSIONS, "EXPIRATION_WINDOW_SECONDS": False},
    "payments": {
        **_WITH_SESSIONS,
        "STRIPE_KEY": True,
        "STRIPE_WEBHOOK_SECRET": True,
        "STRIPE_API_BASE": False,
        "CURRENCY": False,
        "PAYMENT_GRACE_SECONDS": False,
    },
    "expiration": {
        **{name: needed for name, needed in _STORED.items() if name != "MONGO_URI"},
        "REDIS_URL": True,
    },
    "contact": {
        **_STORED,
        "SENDGRID_KEY": True,
        "SENDGRID_EMAIL": True,
        "SENDGRID_API_BASE": False,
        "PUBLIC_URL": True,
        "CURRENCY": False,
    },
}
"""The variables of each service, and whether they are required."""
