"""Domain events by subject, and patterns of subjects."""

from collections.abc import Iterable

from ticketing_common.events import EVENTS, DomainEvent
from ticketing_common.messaging.streams import stream_of
from ticketing_ops.errors import CommandError

BY_SUBJECT: dict[str, type[DomainEvent]] = {event.subject: event for event in EVENTS}


def matches(pattern: str, subject: str) -> bool:
    """Match as NATS does: `*` is one token, a final `>` one or more."""
    wanted, tokens = pattern.split("."), subject.split(".")
    if wanted[-1] == ">" and len(tokens) >= len(wanted):
        wanted.pop()
        tokens = tokens[: len(wanted)]
    return len(tokens) == len(wanted) and all(
        expected in ("*", token) for expected, token in zip(wanted, tokens, strict=True)
    )


def matching_events(pattern: str) -> list[type[DomainEvent]]:
    """Return the domain events that a pattern matches. Raises CommandError if there is none."""
    found = [event for event in EVENTS if matches(pattern, event.subject)]
    if not found:
        raise CommandError(
            f"No domain event has a subject {pattern}. Subjects: {', '.join(BY_SUBJECT)}"
        )
    return found


def subjects_by_stream(events: Iterable[type[DomainEvent]]) -> dict[str, list[str]]:
    """Return the subjects of domain events, by the stream that stores them."""
    streams: dict[str, list[str]] = {}
    for event in events:
        streams.setdefault(stream_of(event), []).append(event.subject)
    return streams
