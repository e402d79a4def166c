"""OpenTelemetry traces that continue across the message bus."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

_propagator = TraceContextTextMapPropagator()
_provider = TracerProvider()


def start(service: str, otlp_endpoint: str | None) -> None:
    """Name this process in its traces and export them if there is an endpoint."""
    global _provider
    _provider = TracerProvider(resource=Resource.create({"service.name": service}))
    if otlp_endpoint is not None:
        # Imported here: it loads an HTTP client that most processes do not need.
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

        exporter = OTLPSpanExporter(endpoint=f"{otlp_endpoint.rstrip('/')}/v1/traces", timeout=5)
        _provider.add_span_processor(BatchSpanProcessor(exporter))


def stop() -> None:
    """Export the remaining spans."""
    _provider.shutdown()


@contextmanager
def span(name: str, carrier: Mapping[str, str] | None = None) -> Iterator[trace.Span]:
    """Open a span, as a child of the `traceparent` in `carrier` if there is one."""
    parent = _propagator.extract(carrier) if carrier is not None else None
    with _provider.get_tracer("ticketing").start_as_current_span(name, parent) as current:
        yield current


def trace_headers() -> dict[str, str]:
    """Return the headers that continue the current trace in another process, or start one."""
    carrier: dict[str, str] = {}
    if trace.get_current_span().get_span_context().is_valid:
        _propagator.inject(carrier)
    else:
        with span("background"):
            _propagator.inject(carrier)
    return carrier
