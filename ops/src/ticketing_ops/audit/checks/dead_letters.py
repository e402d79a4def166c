"""Checks of the streams: dead letters and removed events."""

from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import suppress

from nats.js.errors import NotFoundError

from ticketing_common.messaging.replay import REPLAY_STREAM
from ticketing_common.messaging.streams import DEAD_LETTER_STREAM, DISCARDED_PREFIX, streams
from ticketing_ops.audit import kinds
from ticketing_ops.audit.findings import Finding
from ticketing_ops.audit.scan import Scan
from ticketing_ops.audit.streams import nats_errors, read_batches

MAX_EXAMPLES = 3


async def find_dead_letters(scan: Scan) -> AsyncGenerator[Finding, None]:
    """Count dead letters by listener and subject, without reading their bodies."""
    counts: Counter[tuple[str, str]] = Counter()
    examples: dict[tuple[str, str], list[str]] = {}
    causes: dict[tuple[str, str], str] = {}
    async for batch in read_batches(scan.stores.js, DEAD_LETTER_STREAM):
        scan.counter.rows += len(batch)
        for message in batch:
            if message.subject.startswith(f"{DISCARDED_PREFIX}."):
                continue
            listener = message.headers.get("Dead-Letter-Listener", "an unknown listener")
            group = (listener, message.headers.get("Dead-Letter-Subject", message.subject))
            counts[group] += 1
            causes[group] = message.headers.get("Dead-Letter-Cause", "")
            if len(events := examples.setdefault(group, [])) < MAX_EXAMPLES:
                events.append(message.event_id or f"message {message.sequence}")
    for (listener, subject), count in sorted(counts.items()):
        group = (listener, subject)
        more = ", ..." if count > MAX_EXAMPLES else ""
        yield Finding(
            kinds.DEAD_LETTERS,
            {
                "listener": listener,
                "subject": subject,
                "events": ", ".join(examples[group]) + more,
            },
            f"{listener} could not handle {count} {subject} events; "
            f"the last cause: {causes[group]}",
            target=listener,
        )


async def find_removed_events(scan: Scan) -> AsyncGenerator[Finding, None]:
    """Find gaps in streams. Expiry removes only the oldest messages, so a gap was made by hand."""
    for config in streams():
        name = str(config.name)
        if name in (DEAD_LETTER_STREAM, REPLAY_STREAM):  # handled messages are removed from these
            continue
        with nats_errors(), suppress(NotFoundError):
            deleted = (await scan.stores.js.stream_info(name)).state.num_deleted
            if deleted:
                yield Finding(
                    kinds.EVENTS_REMOVED,
                    {"stream": name},
                    f"{deleted} messages were deleted from {name}",
                    target=name,
                )
