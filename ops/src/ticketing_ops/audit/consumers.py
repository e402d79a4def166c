"""Every service hears what it listens to, and has answered for all of it."""

from collections.abc import AsyncGenerator, Sequence

from nats.errors import Error as NatsError
from nats.js.api import ConsumerInfo
from nats.js.errors import NotFoundError

from ticketing_common.messaging.streams import consumers, filter_subjects_of, streams
from ticketing_dev.tools.diagram import subscription_lists
from ticketing_ops.audit import kinds, messages
from ticketing_ops.audit.away import Away
from ticketing_ops.audit.findings import Finding
from ticketing_ops.audit.looking import Look
from ticketing_ops.audit.messages import event_id


async def find(look: Look) -> AsyncGenerator[Finding, None]:
    """Look for streams and consumers that should be there, and for consumers that lag."""
    js = look.stores.js
    missing = set()
    try:
        for stream in streams():
            try:
                await js.stream_info(str(stream.name))
            except NotFoundError:
                missing.add(str(stream.name))
                yield Finding(
                    kinds.STREAM_MISSING,
                    {"stream": str(stream.name)},
                    f"There is no stream {stream.name}",
                    about=str(stream.name),
                )
        for listeners in subscription_lists():
            for name, wanted in consumers(listeners).items():
                subjects = filter_subjects_of(wanted)
                if name not in missing:
                    async for finding in _of_one(look, listeners.service, name, subjects):
                        yield finding
    except (NatsError, OSError) as error:
        raise Away("NATS", error) from error


async def _of_one(
    look: Look, service: str, stream: str, subjects: Sequence[str]
) -> AsyncGenerator[Finding, None]:
    look.count.rows += 1
    ids = {"service": service, "stream": stream}
    about = f"{service} {stream}"
    try:
        info = await look.stores.js.consumer_info(stream, service)
    except NotFoundError:
        yield Finding(
            kinds.NOT_LISTENING, ids, f"{service} has no consumer of {stream}", about=about
        )
        return
    unheard = sorted({*subjects} - {*filter_subjects_of(info.config)})
    if unheard:
        yield Finding(
            kinds.NOT_LISTENING,
            ids,
            f"{service}'s consumer of {stream} passes over {', '.join(unheard)}",
            about=about,
        )
    waiting, in_hand = info.num_pending or 0, info.num_ack_pending or 0
    if waiting or in_hand:
        floor = answered_for(info)
        first = await messages.next_of(look.stores.js, stream, floor, subjects)
        which = f", the first is {first.subject} {event_id(first)}" if first is not None else ""
        yield Finding(
            kinds.EVENTS_NOT_HANDLED,
            ids | ({"event": event_id(first)} if first is not None else {}),
            f"{service} has not answered for {waiting + in_hand} events of {stream}{which}",
            about=about,
            as_seen=str(floor),
        )


def answered_for(info: ConsumerInfo) -> int:
    """Up to which of the stream's messages each that was for it was answered for."""
    return info.ack_floor.stream_seq if info.ack_floor is not None else 0
