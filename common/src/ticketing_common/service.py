"""The app factory: a service brings its rules, everything else is here."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager

from beanie import Document
from fastapi import APIRouter, FastAPI
from fastapi.responses import JSONResponse

from ticketing_common.messaging.broker import Broker
from ticketing_common.messaging.feed import Feed
from ticketing_common.messaging.listeners import INBOX_INDEXES, Listeners
from ticketing_common.observability import logs, telemetry
from ticketing_common.persistence import database, outbox
from ticketing_common.settings import SessionSettings, Settings, StoreSettings
from ticketing_common.shutdown import on_shutdown_signal
from ticketing_common.web import error_handlers, idempotency, openapi
from ticketing_common.web.concurrency_limit import ConcurrencyLimitMiddleware
from ticketing_common.web.idempotency import IdempotencyMiddleware
from ticketing_common.web.probes import probes
from ticketing_common.web.request_checks import Guard
from ticketing_common.web.request_logging import RequestLoggingMiddleware
from ticketing_common.web.sessions import SessionCutoff, Sessions
from ticketing_common.web.trailing_slash import TrailingSlashMiddleware

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]


def create_service(
    settings: Settings,
    listeners: Listeners,
    *,
    description: str,
    documents: Sequence[type[Document]] = (),
    router: APIRouter | None = None,
    prefix: str = "",
    idempotent: bool = False,
    feed: Feed | None = None,
    background_work: Lifespan | None = None,
    answers: Callable[[], Awaitable[bool]] = database.answers,
) -> FastAPI:
    """A service's app.

    `router` and `prefix`: its routes, none for a service that only listens.
    `documents`: what it keeps; its outbox, inbox and session cut-offs come by themselves.
    `idempotent`: whether its mutating routes take an Idempotency-Key.
    `feed`: the news that its streams tell.
    `while_open`: what it runs beside requests and events; entered last, left first.
    `answers`: whether its own store does, for `/readyz`.
    """
    name = listeners.service

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            telemetry.start(name, settings.otel_exporter_otlp_endpoint)
            stack.callback(telemetry.stop)
            if isinstance(settings, StoreSettings):
                await stack.enter_async_context(_store(settings, documents))
            has_store = isinstance(settings, StoreSettings)
            broker = Broker(
                settings.nats_url,
                listeners,
                relay=has_store,
                feed=feed,
                replicas=settings.nats_replicas,
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
    )
    app.state.settings = settings
    app.state.feed = feed
    if isinstance(settings, SessionSettings):
        app.state.sessions = Sessions(settings.jwt_keys())
    error_handlers.install(app)
    app.include_router(probes(answers))
    if router is not None:
        app.include_router(router, prefix=prefix)
    openapi.install(app, idempotent=idempotent)
    if idempotent:
        app.add_middleware(IdempotencyMiddleware)
    app.add_middleware(ConcurrencyLimitMiddleware)
    app.add_middleware(Guard)
    app.add_middleware(RequestLoggingMiddleware)
    app.add_middleware(TrailingSlashMiddleware)
    return app


@asynccontextmanager
async def _store(
    settings: StoreSettings, documents: Sequence[type[Document]]
) -> AsyncIterator[None]:
    async with database.connected(settings.mongo_uri, [*documents, SessionCutoff]):
        db = database.database()
        await asyncio.gather(
            outbox.rows().create_indexes(outbox.INDEXES),
            db["inbox"].create_indexes(INBOX_INDEXES),
            idempotency.answers().create_indexes(idempotency.INDEXES),
        )
        yield
