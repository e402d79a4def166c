"""A service that records the MongoDB commands and the published events of each request and handler.

uvicorn serves this module's factory instead of the service's own. The environment variable
RECORDED_SERVICE names the service, RECORD the file to which each command appends a line.
"""

import itertools
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from nats.aio.client import Client
from pymongo import monitoring
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ticketing_common.events import EVENTS, DomainEvent
from ticketing_common.messaging.listeners import Listeners, Outcome
from ticketing_common.persistence.transaction import WRITE_CONFLICT

SERVICE_VARIABLE, RECORD_VARIABLE = "RECORDED_SERVICE", "RECORD"
BACKGROUND = 0
"""The unit of a command that belongs to no request and to no handler."""

_numbers = itertools.count(1)
_unit: ContextVar[int] = ContextVar("unit", default=BACKGROUND)
_subjects = {event.subject for event in EVENTS}


def create() -> ASGIApp:
    """Create the service's application with the recorders."""
    monitoring.register(_CommandRecorder())
    _record_handlers()
    _record_published_events()
    return _RequestRecorder(import_module(f"{os.environ[SERVICE_VARIABLE]}.app").create_app())


def _write(**line: object) -> None:
    with Path(os.environ[RECORD_VARIABLE]).open("a") as record:
        record.write(json.dumps(line) + "\n")


@contextmanager
def _new_unit() -> Iterator[int]:
    number = next(_numbers)
    token = _unit.set(number)
    try:
        yield number
    finally:
        _unit.reset(token)


class _CommandRecorder(monitoring.CommandListener):
    def started(self, event: monitoring.CommandStartedEvent) -> None:
        name, command = event.command_name, event.command
        collection = command[name] if isinstance(command[name], str) else ""
        statements = command.get("updates") or command.get("deletes") or [command]
        condition = statements[0].get("q") or statements[0].get("filter") or {}
        rows = command.get("documents", ()) if collection == "outbox" else ()
        _write(
            unit=_unit.get(),
            command=name,
            collection=collection,
            condition=sorted(condition),
            events=[row["subject"] for row in rows],
            in_transaction="autocommit" in command,
        )

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        self._record_conflict([error["code"] for error in event.reply.get("writeErrors", ())])

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        self._record_conflict([event.failure.get("code")])

    def _record_conflict(self, codes: list[int | None]) -> None:
        if WRITE_CONFLICT in codes:
            _write(unit=_unit.get(), conflict=True)


class _RequestRecorder:
    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 0

        async def send_and_record(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        with _new_unit() as number:
            await self._app(scope, receive, send_and_record)
            _write(unit=number, label=_request_label(scope), outcome=status)


def _request_label(scope: Scope) -> str:
    """Return the method, the route's path, and the names of the query's parameters."""
    path = scope["path"]
    if "route" in scope:
        names = {value: name for name, value in scope["path_params"].items()}
        path = "/".join(f"{{{names[part]}}}" if part in names else part for part in path.split("/"))
    query = "&".join(name for name, _ in parse_qsl(scope["query_string"].decode()))
    return f"{scope['method']} {path}" + (f"?{query}" if query else "")


def _record_handlers() -> None:
    handle = Listeners.handle

    async def handle_and_record(
        self: Listeners, event: DomainEvent, *arguments: Any, **options: Any
    ) -> Outcome:
        with _new_unit() as number:
            outcome = "failed"
            try:
                result = await handle(self, event, *arguments, **options)
                outcome = result.value
                return result
            finally:
                _write(unit=number, label=type(event).__name__, outcome=outcome)

    Listeners.handle = handle_and_record  # type: ignore[method-assign]


def _record_published_events() -> None:
    publish = Client.publish

    async def publish_and_record(
        self: Client, subject: str, *arguments: Any, **options: Any
    ) -> None:
        if subject in _subjects:
            _write(unit=BACKGROUND, published=subject)
        await publish(self, subject, *arguments, **options)

    Client.publish = publish_and_record  # type: ignore[method-assign]
