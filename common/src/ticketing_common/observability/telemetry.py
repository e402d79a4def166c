"""Traces that cross the bus, and the numbers that Prometheus reads."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from prometheus_client import Counter, Gauge, Histogram

REQUESTS = Histogram(
    "http_request_duration_seconds", "Requests by route", ["method", "route", "status"]
)
PUBLISHED = Counter("outbox_published_total", "Events that the broker acknowledged", ["subject"])
OUTBOX_FAILURES = Counter("outbox_failures_total", "Publishings that failed and will be repeated")
HANDLED = Counter("events_handled_total", "Deliveries by listener and end", ["listener", "end"])
IN_HAND = Gauge("events_in_hand", "Events being handled now")
STREAMS_OPEN = Gauge("streams_open", "Streams of server-sent events that are open now")
STREAMS_DROPPED = Counter("streams_dropped_total", "Streams ended because they were not read")
CIRCUIT_OPEN = Gauge("part_left_alone", "1 while a part outside is not asked: it failed", ["part"])

_w3c = TraceContextTextMapPropagator()
_provider = TracerProvider()


def start(service: str, otlp_endpoint: str | None) -> None:
    """Name this process in its traces, and export them where there is somewhere to."""
    global _provider
    _provider = TracerProvider(resource=Resource.create({"service.name": service}))
    if otlp_endpoint is not None:
        # Imported late: it brings an HTTP client that most processes do without.
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

        exporter = OTLPSpanExporter(endpoint=f"{otlp_endpoint.rstrip('/')}/v1/traces", timeout=5)
        _provider.add_span_processor(BatchSpanProcessor(exporter))


def stop() -> None:
    """Export what is left."""
    _provider.shutdown()


@contextmanager
def span(name: str, carrier: Mapping[str, str] | None = None) -> Iterator[trace.Span]:
    """A span around a piece of work, the child of what `carrier`'s traceparent names."""
    parent = _w3c.extract(carrier) if carrier is not None else None
    with _provider.get_tracer("ticketing").start_as_current_span(name, parent) as current:
        yield current


def outgoing() -> dict[str, str]:
    """The headers that continue the present trace elsewhere, or begin one."""
    carrier: dict[str, str] = {}
    if trace.get_current_span().get_span_context().is_valid:
        _w3c.inject(carrier)
    else:
        with span("background"):
            _w3c.inject(carrier)
    return carrier
