"""Prometheus metrics."""

from prometheus_client import Counter, Gauge, Histogram

REQUESTS = Histogram(
    "http_request_duration_seconds", "HTTP requests by route", ["method", "route", "status"]
)
EVENTS_PUBLISHED = Counter(
    "outbox_published_total", "Domain events acknowledged by the broker", ["subject"]
)
PUBLISH_FAILURES = Counter(
    "outbox_publish_failures_total", "Failed attempts to publish; each is repeated"
)
OUTBOX_SET_ASIDE = Gauge(
    "outbox_set_aside_rows", "Committed domain events that the broker refuses, or that wait for one"
)
OUTBOX_SET_ASIDE_AGE = Gauge(
    "outbox_set_aside_age_seconds", "Time since the first of these events was set aside"
)
EVENTS_HANDLED = Counter(
    "events_handled_total", "Deliveries by listener and outcome", ["listener", "outcome"]
)
CONSUMERS_NOT_PROVISIONED = Gauge(
    "consumers_not_provisioned",
    "1 while the service's consumer of a stream is missing or lacks subjects",
    ["stream"],
)
EVENTS_IN_PROGRESS = Gauge("events_in_progress", "Domain events being handled")
PARKED_EVENTS = Gauge("parked_events", "Acknowledged domain events that wait to be handled")
PARKED_EVENTS_OLDEST_SECONDS = Gauge(
    "parked_events_oldest_seconds", "The age of the oldest parked event, 0 if there is none"
)
TOKENS_FROM_FUTURE = Counter(
    "session_tokens_from_future_total",
    "Valid tokens of a clock that is ahead of this process's, by outcome",
    ["outcome"],
)
SESSION_CUTOFFS_DROPPED = Counter(
    "session_cutoffs_dropped_total", "Ended sessions that did not fit into memory"
)
SSE_STREAMS_OPEN = Gauge("sse_streams_open", "Open server-sent event streams")
SSE_STREAMS_DROPPED = Counter(
    "sse_streams_dropped_total", "Server-sent event streams ended because the client fell behind"
)
TICKET_CACHE_READS = Counter(
    "ticket_cache_reads_total", "Reads of tickets and first pages by outcome", ["outcome"]
)
WRONG_CHARGES = Counter(
    "wrong_charges_total", "Charges of another amount or currency than the order's, to be refunded"
)
ROWS_OMITTED = Counter(
    "rows_omitted_total",
    "Invalid rows that were omitted from a list, a stream or a queue",
    ["kind"],
)
CIRCUIT_OPEN = Gauge("circuit_open", "1 while the circuit breaker is not closed", ["dependency"])
RATE_LIMITED = Counter("rate_limited_total", "Requests above a limit", ["limit"])
