"""OpenTelemetry traces that continue across the message bus."""

import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from opentelemetry import context, trace
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

_propagator = TraceContextTextMapPropagator()
_provider: TracerProvider | None = None
_tracer: trace.Tracer | None = None
"""Records spans, None if nothing exports them."""


def start(service: str, otlp_endpoint: str | None) -> None:
    """Name this process in its traces and export them if there is an endpoint."""
    global _provider, _tracer
    if otlp_endpoint is None:
        return
    # Imported here: it loads an HTTP client that most processes do not need.
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    exporter = OTLPSpanExporter(endpoint=f"{otlp_endpoint.rstrip('/')}/v1/traces", timeout=5)
    _provider = TracerProvider(resource=Resource.create({"service.name": service}))
    _provider.add_span_processor(BatchSpanProcessor(exporter))
    _tracer = _provider.get_tracer("ticketing")


def stop() -> None:
    """Export the remaining spans."""
    global _provider, _tracer
    if _provider is not None:
        _provider.shutdown()
    _provider = _tracer = None


@contextmanager
def span(name: str, carrier: Mapping[str, str] | None = None) -> Iterator[None]:
    """Open a span, as a child of the `traceparent` in `carrier` if there is one.

    Without `carrier`, it is a child of the current span. A span that nothing exports is not
    recorded: it only has the ids that logs and domain events carry.
    """
    parent = _parent(carrier)
    if _tracer is not None:
        with _tracer.start_as_current_span(name, parent):
            yield
        return
    token = context.attach(trace.set_span_in_context(_unrecorded_span(parent), parent))
    try:
        yield
    finally:
        context.detach(token)


def trace_headers() -> dict[str, str]:
    """Return the headers that continue the current trace in another process, or start one."""
    carrier: dict[str, str] = {}
    if trace.get_current_span().get_span_context().is_valid:
        _propagator.inject(carrier)
    else:
        with span("background"):
            _propagator.inject(carrier)
    return carrier


def _parent(carrier: Mapping[str, str] | None) -> Context:
    if carrier is None:
        return context.get_current()
    return _propagator.extract(carrier) if carrier else Context()


def _unrecorded_span(parent: Context) -> NonRecordingSpan:
    above = trace.get_current_span(parent).get_span_context()
    # Not a secret, so it needs no system call.
    span_id = random.getrandbits(64) or 1
    if above.is_valid:
        return NonRecordingSpan(
            SpanContext(above.trace_id, span_id, False, above.trace_flags, above.trace_state)
        )
    trace_id = random.getrandbits(128) or 1
    return NonRecordingSpan(SpanContext(trace_id, span_id, False, TraceFlags(TraceFlags.SAMPLED)))
