import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from ticketing_common.observability import tracing

TRACE = "0af7651916cd43dd8448eb211c80319c"
CALLER = {"traceparent": f"00-{TRACE}-{'1' * 16}-01", "tracestate": "a=b"}


@pytest.fixture
def exporter(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    """Where the spans of this process are exported."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(tracing, "_tracer", provider.get_tracer("test"))
    return exporter


def span_ids(carrier: dict[str, str]) -> tuple[str, str]:
    """Return the ids of the trace and of the span."""
    _, trace, span, _ = carrier["traceparent"].split("-")
    return trace, span


def test_span_without_an_exporter_continues_the_trace() -> None:
    with tracing.span("outer", CALLER):
        outer = tracing.trace_headers()
        with tracing.span("inner"):
            inner = tracing.trace_headers()
        assert tracing.trace_headers() == outer

    assert span_ids(outer)[0] == span_ids(inner)[0] == TRACE
    assert len({"1" * 16, span_ids(outer)[1], span_ids(inner)[1]}) == 3
    assert inner["tracestate"] == "a=b"


def test_span_with_an_empty_carrier_starts_a_trace() -> None:
    with tracing.span("outer", CALLER), tracing.span("another", {}):
        assert span_ids(tracing.trace_headers())[0] != TRACE


def test_span_ends_with_an_exception() -> None:
    with pytest.raises(LookupError), tracing.span("failed", CALLER):
        raise LookupError

    assert span_ids(tracing.trace_headers())[0] != TRACE


def test_span_is_recorded_with_an_exporter(exporter: InMemorySpanExporter) -> None:
    with tracing.span("outer", CALLER), tracing.span("inner"):
        carrier = tracing.trace_headers()

    inner, outer = exporter.get_finished_spans()
    assert (inner.name, outer.name) == ("inner", "outer")
    assert outer.parent is not None
    assert outer.parent.trace_id == int(TRACE, 16)
    assert inner.context is not None
    assert span_ids(carrier)[1] == format(inner.context.span_id, "016x")
