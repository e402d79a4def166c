"""Structured logging: JSON lines, or readable text on a terminal."""

import logging
import sys
from contextlib import nullcontext, suppress
from functools import partial
from typing import TextIO

import structlog
from opentelemetry import trace


def _add_trace(_: object, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    span = trace.get_current_span().get_span_context()
    if span.is_valid:
        event["trace_id"] = format(span.trace_id, "032x")
    return event


def _drop_color_message(
    _: object, __: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    event.pop("color_message", None)
    return event


class _Output:
    """Writes rendered lines to the stream of a handler, at a fraction of the cost of a record."""

    def __init__(self, handler: logging.StreamHandler[TextIO], name: str | None = None) -> None:
        self._handler = handler
        self.name = name

    def msg(self, line: str) -> None:
        """Write a line. A log that cannot be written must not fail a request."""
        with self._handler.lock or nullcontext(), suppress(OSError, ValueError):
            self._handler.stream.write(line + "\n")
            self._handler.flush()

    debug = info = warning = error = critical = msg


def configure(service: str, level: str) -> None:
    """Send all logs of this process, those of libraries included, to standard error."""
    terminal = sys.stderr.isatty()
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _add_trace,
    ]
    end: list[structlog.typing.Processor] = (
        # With rich installed, the default formatter prints local variables, passwords included.
        [structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]
        if terminal
        else [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    )
    handler = logging.StreamHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.ExtraAdder()],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _drop_color_message,
                *end,
            ],
        )
    )
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    structlog.configure(
        processors=[*shared, *end],
        logger_factory=partial(_Output, handler),
        wrapper_class=structlog.make_filtering_bound_logger(level),
    )
    for name in ("uvicorn", "uvicorn.error"):
        logging.getLogger(name).handlers.clear()
        # RequestLoggingMiddleware logs requests without their query, which may hold a secret.
        logging.getLogger(name).propagate = name != "uvicorn.access"
    for library in ("pymongo", "httpx", "httpcore", "arq", "stripe", "python_http_client"):
        logging.getLogger(library).setLevel(max(logging.WARNING, logging.getLogger().level))
    structlog.contextvars.bind_contextvars(service=service)
