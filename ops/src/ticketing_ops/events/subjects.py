"""Which events a pattern of subjects names."""

from collections.abc import Iterable

from ticketing_common.events import EVENTS, DomainEvent
from ticketing_common.messaging.streams import stream_of
from ticketing_dev.stack.control import Refused

BY_SUBJECT: dict[str, type[DomainEvent]] = {event.subject: event for event in EVENTS}


def matches(pattern: str, subject: str) -> bool:
    """As NATS does it: `*` is one word, a last `>` one or more."""
    wanted, words = pattern.split("."), subject.split(".")
    if wanted[-1] == ">" and len(words) >= len(wanted):
        wanted.pop()
        words = words[: len(wanted)]
    return len(words) == len(wanted) and all(
        each in ("*", word) for each, word in zip(wanted, words, strict=True)
    )


def named_by(pattern: str) -> list[type[DomainEvent]]:
    """The events. Raises Refused where there is none."""
    found = [event for event in EVENTS if matches(pattern, event.subject)]
    if not found:
        known = ", ".join(BY_SUBJECT)
        raise Refused(f"No event has a subject {pattern}. There are: {known}")
    return found


def by_stream(events: Iterable[type[DomainEvent]]) -> dict[str, list[str]]:
    """The events' subjects, by the stream that holds them."""
    streams: dict[str, list[str]] = {}
    for event in events:
        streams.setdefault(stream_of(event), []).append(event.subject)
    return streams
