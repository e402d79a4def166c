"""The application factory: everything of a service but its rules."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from types import MappingProxyType

from beanie import Document
from fastapi import APIRouter, FastAPI
from fastapi.responses import JSONResponse
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from ticketing_common.limits.requests import create_limiter
from ticketing_common.limits.streams import OpenStreams
from ticketing_common.messaging.broker import Broker
from ticketing_common.messaging.feed import Feed
from ticketing_common.messaging.listeners import INBOX_INDEXES, Listeners
from ticketing_common.observability import logs, tracing
from ticketing_common.persistence import database, outbox, parked_events
from ticketing_common.persistence.price_migration import store_prices_in_minor_units
from ticketing_common.sessions.cutoffs import EndedSessions, SessionCutoffs
from ticketing_common.sessions.keys import parse_public_keys
from ticketing_common.sessions.tokens import TokenVerifier
from ticketing_common.settings import (
    LimitSettings,
    SessionSettings,
    Settings,
    StoreSettings,
    split_list,
)
from ticketing_common.shutdown import on_shutdown_signal
from ticketing_common.web import error_handlers, idempotency, openapi
from ticketing_common.web.idempotency import IdempotencyMiddleware
from ticketing_common.web.middleware.address_limit import AddressLimitMiddleware, AddressLimits
from ticketing_common.web.middleware.body_limit import BodyLimitMiddleware
from ticketing_common.web.middleware.concurrency_limit import ConcurrencyLimitMiddleware
from ticketing_common.web.middleware.head import HeadMiddleware
from ticketing_common.web.middleware.origin_check import OriginCheckMiddleware
from ticketing_common.web.middleware.request_logging import RequestLoggingMiddleware
from ticketing_common.web.middleware.security_headers import SecurityHeadersMiddleware
from ticketing_common.web.middleware.trailing_slash import TrailingSlashMiddleware
from ticketing_common.web.probes import probes
from ticketing_common.web.sessions import Sessions

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]


def create_service(
    name: str,
    settings: Settings,
    *,
    description: str,
    listeners: Listeners | None = None,
    documents: Sequence[type[Document]] = (),
    prices: Mapping[str, str] = MappingProxyType({}),
    router: APIRouter | None = None,
    prefix: str = "",
    idempotent: bool = False,
    address_limits: AddressLimits = MappingProxyType({}),
    feed: Feed | None = None,
    ended_sessions: EndedSessions | None = None,
    background_work: Lifespan | None = None,
    is_store_ready: Callable[[], Awaitable[bool]] = database.is_writable,
) -> FastAPI:
    """Create a service's application.

    Args:
        listeners: The domain events that it handles, none for a service that only publishes.
        documents: Its beanie documents. Outbox, inbox and parked events
            are added.
        prices: Collection and field of its prices. Those of an earlier release are migrated.
        router: Its routes below `prefix`, none for a service that only handles events.
        idempotent: Whether its mutating routes accept an `Idempotency-Key`.
        address_limits: The limits by address of its routes that have one of their own.
        feed: The feed of its server-sent event streams.
        ended_sessions: Knows which sessions have ended. By default the process follows the bus.
        background_work: Runs beside requests and events: entered last, left first.
        is_store_ready: Whether its own store answers, for `/readyz`.
    """
    listeners = listeners or Listeners(name)
    follower: SessionCutoffs | None = None
    if isinstance(settings, SessionSettings) and ended_sessions is None:
        ended_sessions = follower = SessionCutoffs()

    async def is_ready() -> bool:
        return (follower is None or follower.is_loaded) and await is_store_ready()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            if isinstance(settings, LimitSettings):
                stack.push_async_callback(app.state.limiter.close)
            tracing.start(name, settings.otel_exporter_otlp_endpoint)
            stack.callback(tracing.stop)
            has_store = isinstance(settings, StoreSettings)
            if isinstance(settings, StoreSettings):
                await stack.enter_async_context(_store(settings, documents, prices))
            broker = Broker(
                settings.nats_url,
                listeners,
                relay=has_store,
                feed=feed,
                follower=follower,
            )
            app.state.broker = await stack.enter_async_context(broker.running())
            if feed is not None:
                stack.enter_context(on_shutdown_signal(feed.close))
            if background_work is not None:
                await stack.enter_async_context(background_work(app))
            yield

    logs.configure(name, settings.log_level)
    app = FastAPI(
        title=f"ticketing {name}",
        description=description,
        lifespan=lifespan,
        openapi_url=f"{prefix}/openapi.json" if router is not None else None,
        docs_url=None,
        redoc_url=None,
        default_response_class=JSONResponse,
        redirect_slashes=False,
        # RequestLoggingMiddleware opens the spans.
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    app.state.settings = settings
    app.state.listeners = listeners
    app.state.feed = feed
    app.state.follower = follower
    if isinstance(settings, SessionSettings) and ended_sessions is not None:
        app.state.sessions = Sessions(
            TokenVerifier(parse_public_keys(settings.jwt_public_keys)),
            ended_sessions,
            secure=settings.cookie_secure,
        )
    if isinstance(settings, LimitSettings):
        app.state.limiter = create_limiter(settings)
        app.state.open_streams = OpenStreams(settings)
    error_handlers.install(app)
    app.include_router(probes(is_ready))
    if router is not None:
        app.include_router(router, prefix=prefix)
    openapi.install(app, idempotent=idempotent)
    # From the innermost middleware to the outermost.
    if idempotent:
        app.add_middleware(IdempotencyMiddleware)
    app.add_middleware(HeadMiddleware)
    app.add_middleware(ConcurrencyLimitMiddleware)
    if isinstance(settings, LimitSettings):
        app.add_middleware(AddressLimitMiddleware, limiter=app.state.limiter, limits=address_limits)
    app.add_middleware(BodyLimitMiddleware)
    app.add_middleware(OriginCheckMiddleware)
    app.add_middleware(RequestLoggingMiddleware)
    app.add_middleware(SecurityHeadersMiddleware)
    app.add_middleware(TrailingSlashMiddleware)
    if isinstance(settings, LimitSettings):
        # The server's own middleware is off: it would trust every process of the same machine.
        app.add_middleware(
            ProxyHeadersMiddleware,
            trusted_hosts=split_list(settings.trusted_proxies),
        )
    return app


@asynccontextmanager
async def _store(
    settings: StoreSettings, documents: Sequence[type[Document]], prices: Mapping[str, str]
) -> AsyncIterator[None]:
    async with database.connected(settings.mongo_uri, documents):
        await store_prices_in_minor_units(prices)
        await asyncio.gather(
            outbox.rows().create_indexes(outbox.INDEXES),
            database.database()["inbox"].create_indexes(INBOX_INDEXES),
            parked_events.rows().create_indexes(parked_events.INDEXES),
            idempotency.keys().create_indexes(idempotency.INDEXES),
        )
        yield
