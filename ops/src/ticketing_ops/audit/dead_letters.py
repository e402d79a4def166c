"""What could not be handled, and what somebody has taken out of a stream."""

from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import suppress

from nats.errors import Error as NatsError
from nats.js.errors import NotFoundError

from ticketing_common.messaging.replay import REPLAY_STREAM
from ticketing_common.messaging.streams import DEAD_LETTERS, DISCARDED_PREFIX, streams
from ticketing_ops.audit import kinds, messages
from ticketing_ops.audit.away import Away
from ticketing_ops.audit.findings import Finding
from ticketing_ops.audit.looking import Look
from ticketing_ops.audit.messages import event_id

SHOWN = 3


async def find(look: Look) -> AsyncGenerator[Finding, None]:
    """Count dead letters by listener and subject, without reading their bodies."""
    counts: Counter[tuple[str, str]] = Counter()
    events: dict[tuple[str, str], list[str]] = {}
    causes: dict[tuple[str, str], str] = {}
    async for batch in messages.batches(look.stores.js, DEAD_LETTERS, headers_only=True):
        look.count.rows += len(batch)
        for letter in batch:
            if letter.subject.startswith(f"{DISCARDED_PREFIX}."):
                continue
            listener = letter.headers.get("Dead-Letter-Listener", "nobody we know")
            which = (listener, letter.headers.get("Dead-Letter-Subject", letter.subject))
            counts[which] += 1
            causes[which] = letter.headers.get("Dead-Letter-Cause", "")
            if len(first := events.setdefault(which, [])) < SHOWN:
                first.append(event_id(letter) or f"message {letter.number}")
    for (listener, subject), count in sorted(counts.items()):
        which = (listener, subject)
        more = ", ..." if count > SHOWN else ""
        yield Finding(
            kinds.DEAD_LETTERS,
            {"listener": listener, "subject": subject, "events": ", ".join(events[which]) + more},
            f"{count} of {subject} could not be handled by {listener}; "
            f"the last because: {causes[which]}",
            about=listener,
        )
    async for finding in _removed(look):
        yield finding


async def _removed(look: Look) -> AsyncGenerator[Finding, None]:
    """Age takes messages from a stream's beginning alone: a gap was made by somebody."""
    for config in streams():
        if config.name in (DEAD_LETTERS, REPLAY_STREAM):  # what is settled is taken from there
            continue
        try:
            with suppress(NotFoundError):
                state = (await look.stores.js.stream_info(str(config.name))).state
                if state.num_deleted:
                    yield Finding(
                        kinds.EVENTS_REMOVED,
                        {"stream": str(config.name)},
                        f"{state.num_deleted} messages were taken out of {config.name}",
                        about=str(config.name),
                    )
        except (NatsError, OSError) as error:
            raise Away("NATS", error) from error
