"""CONTRACT.md's tables, as data."""

from dataclasses import dataclass, field
from typing import Any

AN_ID = "0123456789abcdef01234567"
PASSWORD = "correct horse battery staple"

BASES = {
    "auth": "/api/users",
    "tickets": "/api/tickets",
    "orders": "/api/orders",
    "payments": "/api/payments",
}
"""The services that speak HTTP, and where their routes are."""

PROBES = ("/healthz", "/readyz", "/metrics")


@dataclass(frozen=True, eq=False)
class Route:
    """One row of a table, with input that is well-formed."""

    service: str
    method: str
    path: str
    """As the OpenAPI document writes it, below the service's base."""
    statuses: set[int]
    """What the table says, beside what any route may answer."""
    for_users: bool = False
    """Whether one has to be signed in."""
    idempotent: bool = False
    """Whether it takes an Idempotency-Key."""
    body: dict[str, Any] = field(default_factory=dict)
    query: tuple[str, ...] = ()
    needs_body: bool = True
    raw_body: bool = False
    """Whether it takes a body in a shape of somebody else's."""

    @property
    def template(self) -> str:
        return BASES[self.service] + self.path

    @property
    def url(self) -> str:
        """The path with ids in it."""
        return (
            self.template.replace("{ticketId}", AN_ID)
            .replace("{orderId}", AN_ID)
            .replace("{paymentId}", AN_ID)
        )

    def __str__(self) -> str:
        return f"{self.method} {self.template}"


def _changing(service: str, method: str, path: str, *statuses: int, **more: Any) -> Route:
    """A mutating route of tickets, orders or payments."""
    return Route(service, method, path, {*statuses}, for_users=True, idempotent=True, **more)


_ACCOUNT = {"email": "a@example.com", "password": PASSWORD}
_RESET = {"token": "t", "newPassword": PASSWORD, "repeatedNewPassword": PASSWORD}
_TICKET = {"title": "Concert", "price": 19.99}

ROUTES = (
    Route("auth", "POST", "/signup", {201, 400}, body=_ACCOUNT),
    Route("auth", "POST", "/signin", {200, 400, 429}, body=_ACCOUNT),
    Route("auth", "POST", "/signout", {200}),
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
    _changing("tickets", "POST", "", 201, body=_TICKET),
    Route("tickets", "GET", "", {200, 401}, query=("q", "sort", "limit", "cursor", "seller")),
    Route("tickets", "GET", "/stream", {200}, query=("lastEventId",)),
    Route("tickets", "GET", "/{ticketId}", {200, 400, 404}),
    _changing("tickets", "PUT", "/{ticketId}", 200, 400, 404, body=_TICKET),
    _changing("tickets", "DELETE", "/{ticketId}", 204, 400, 404),
    _changing("orders", "POST", "", 201, 400, 404, body={"ticketId": AN_ID}),
    Route("orders", "GET", "", {200}, for_users=True, query=("limit", "cursor")),
    Route("orders", "GET", "/{orderId}", {200, 400, 404}, for_users=True),
    Route("orders", "GET", "/{orderId}/stream", {200, 400, 404}, for_users=True),
    _changing("orders", "DELETE", "/{orderId}", 204, 400, 404),
    _changing(
        "payments",
        "POST",
        "",
        *(201, 202, 400, 402, 404),
        body={"orderId": AN_ID, "token": "tok_visa"},
    ),
    Route("payments", "GET", "", {200, 400, 404}, for_users=True, query=("orderId",)),
    Route("payments", "GET", "/{paymentId}", {200, 400, 404}, for_users=True),
    Route("payments", "POST", "/webhook", {200, 400}, raw_body=True, needs_body=False),
)


@dataclass(frozen=True, eq=False)
class Said:
    """One row of the table of events."""

    subject: str
    producer: str
    listeners: set[str]
    fields: set[str]
    """As they are on the wire; a dot leads into an object, a question mark says: or null."""


_SHOPS = {"tickets", "orders", "payments"}
"""Who asks for a session, beside auth, which ends sessions itself."""

_TICKET_TOLD = {"id", "version", "title", "price", "userId"}
_ORDER_ENDED = {"id", "version", "status", "userId", "ticket.id"}
_PAYMENT_MADE = {"id", "version", "orderId", "stripeId"}

EVENTS = {
    "UserSignedUp": Said("user.signed-up", "auth", {"contact"}, {"id", "version", "email"}),
    "UserSignedIn": Said("user.signed-in", "auth", {"contact"}, {"id", "version"}),
    "UserForgotPassword": Said(
        "user.forgot-password",
        "auth",
        {"contact"},
        {"id", "version", "token.value", "token.type", "token.expiresAt"},
    ),
    "UserChangedPassword": Said(
        "user.changed-password", "auth", {"contact", *_SHOPS}, {"id", "version", "changedAt"}
    ),
    "TicketCreated": Said("ticket.created", "tickets", {"orders", "contact"}, _TICKET_TOLD),
    "TicketUpdated": Said(
        "ticket.updated", "tickets", {"orders", "contact"}, _TICKET_TOLD | {"orderId?"}
    ),
    "TicketDeleted": Said("ticket.deleted", "tickets", {"orders", "contact"}, {"id", "version"}),
    "OrderCreated": Said(
        "order.created",
        "orders",
        {"tickets", "payments", "expiration", "contact"},
        _ORDER_ENDED | {"expiresAt", "ticket.title", "ticket.price"},
    ),
    "OrderAwaitingPayment": Said(
        "order.awaiting-payment", "orders", {"payments"}, {"id", "version", "status"}
    ),
    "OrderOverdue": Said("order.overdue", "orders", {"payments"}, {"id", "version", "status"}),
    "OrderCancelled": Said(
        "order.cancelled",
        "orders",
        {"tickets", "payments", "expiration", "contact"},
        _ORDER_ENDED | {"reason"},
    ),
    "OrderCompleted": Said(
        "order.completed", "orders", {"tickets", "payments", "contact"}, _ORDER_ENDED
    ),
    "ExpirationCompleted": Said("expiration.completed", "expiration", {"orders"}, {"orderId"}),
    "PaymentStarted": Said("payment.started", "payments", {"orders"}, {"id", "orderId"}),
    "PaymentCreated": Said("payment.created", "payments", {"orders", "contact"}, _PAYMENT_MADE),
    "PaymentFailed": Said("payment.failed", "payments", {"orders"}, {"id", "orderId"}),
    "PaymentMissed": Said("payment.missed", "payments", {"orders"}, {"orderId"}),
    "PaymentRefunded": Said(
        "payment.refunded", "payments", {"contact"}, _PAYMENT_MADE | {"reason"}
    ),
}

_STORED = {"MONGO_URI": True, "NATS_URL": True, "OTEL_EXPORTER_OTLP_ENDPOINT": False}
_STORED |= {"LOG_LEVEL": False, "NATS_REPLICAS": False}
_WITH_SESSIONS = {**_STORED, "JWT_KEY": True, "JWT_KEY_PREVIOUS": False}

ENVIRONMENT = {
    "auth": {**_WITH_SESSIONS, "COOKIE_SECURE": False},
    "tickets": _WITH_SESSIONS,
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
"""The variables of each service, and whether it cannot do without."""
