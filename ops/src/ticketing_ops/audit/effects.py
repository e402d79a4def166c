"""Every event has had its effect at every service that listens to it, or is a dead letter."""

from collections import defaultdict
from collections.abc import AsyncGenerator, Collection, Mapping, Sequence
from dataclasses import dataclass

from bson import ObjectId
from nats.errors import Error as NatsError
from nats.js.errors import NotFoundError

from ticketing_common.messaging.listeners import Listener, Listeners
from ticketing_common.messaging.replay import REPLAY_STREAM
from ticketing_common.messaging.streams import DEAD_LETTERS, consumers, streams
from ticketing_common.persistence.documents import VersionedDocument
from ticketing_dev.tools.diagram import subscription_lists
from ticketing_ops.audit import kinds, messages
from ticketing_ops.audit.away import Away
from ticketing_ops.audit.consumers import answered_for
from ticketing_ops.audit.findings import Finding
from ticketing_ops.audit.looking import Look
from ticketing_ops.audit.messages import event_id, fields
from ticketing_ops.audit.repairs import ResendOne
from ticketing_ops.events.reading import Message


@dataclass(frozen=True)
class Subscriber:
    """A service that keeps traces of what it has heard of a stream."""

    listeners: Listeners
    heard_until: int
    """What the stream holds after this may still be on its way."""

    @property
    def service(self) -> str:
        return self.listeners.service


async def find(look: Look) -> AsyncGenerator[Finding, None]:
    """Compare what the streams keep with inboxes and with the versions of copies.

    Of what the broker takes for handled: the rest is on its way, and `consumers` looks at it.
    """
    for config in streams():
        stream = str(config.name)
        if stream in (DEAD_LETTERS, REPLAY_STREAM):
            continue
        subscribers = await _subscribers(look, stream)
        async for batch in _batches(look, stream):
            look.count.rows += len(batch)
            lost = [
                (subscriber, message, listener)
                for subscriber in subscribers
                for message, listener in await _without_trace(look, subscriber, batch)
            ]
            if not lost:
                continue
            buried = await _buried(look, {by for who, one, _ in lost for by in _burials(who, one)})
            for subscriber, message, listener in lost:
                if not buried & _burials(subscriber, message):
                    yield _finding(message, listener)


def _finding(message: Message, listener: Listener) -> Finding:
    key = str(fields(message).get("id") or fields(message).get("orderId") or "")
    again = ResendOne(listener.service, message.stream, message.number)
    keeps_a_secret = listener.event.max_age is not None
    return Finding(
        kinds.EVENT_LOST,
        {"event": event_id(message), "service": listener.service, "document": key},
        f"{listener.name} shows no trace of {message.subject} {event_id(message)} of {key}",
        about=f"{message.stream}:{message.number}",
        # Said again it would be kept for longer than its secret may be.
        repair=None if keeps_a_secret else again,
    )


async def _batches(look: Look, stream: str) -> AsyncGenerator[Sequence[Message], None]:
    if look.only is None:
        async for batch in messages.batches(look.stores.js, stream):
            yield batch
        return
    for about in sorted(look.only):
        name, _, sequence = about.partition(":")
        if name == stream:
            message = await messages.at(look.stores.js, stream, int(sequence))
            yield [message] if message is not None else []


async def _subscribers(look: Look, stream: str) -> list[Subscriber]:
    """Those with a database: expiration keeps no trace but its timers."""
    js = look.stores.js
    found = []
    for listeners in subscription_lists():
        if listeners.service not in look.stores.databases or stream not in consumers(listeners):
            continue
        try:
            # In this order: what the stream had before, a consumer that waits for none has heard.
            last = (await js.stream_info(stream)).state.last_seq
            info = await js.consumer_info(stream, listeners.service)
        except NotFoundError:
            continue  # `consumers` tells
        except (NatsError, OSError) as error:
            raise Away("NATS", error) from error
        is_idle = not info.num_pending and not info.num_ack_pending
        found.append(Subscriber(listeners, last if is_idle else answered_for(info)))
    return found


async def _without_trace(
    look: Look, subscriber: Subscriber, batch: Sequence[Message]
) -> list[tuple[Message, Listener]]:
    """What of a batch the service should have heard and shows no trace of."""
    by_inbox: list[tuple[Message, Listener]] = []
    by_copy: dict[str, list[tuple[Message, Listener]]] = defaultdict(list)
    for message in batch:
        listener = subscriber.listeners.of(message.subject)
        if listener is None or message.number > subscriber.heard_until:
            continue
        if listener.replica is None:
            by_inbox.append((message, listener))
        else:
            by_copy[_collection(listener.replica)].append((message, listener))
    inbox = await _inbox(look, subscriber.service, [message for message, _ in by_inbox])
    lost = [heard for heard in by_inbox if event_id(heard[0]) not in inbox]
    for collection, heard in by_copy.items():
        have = await _versions(look, subscriber.service, collection, [one for one, _ in heard])
        lost += [
            (message, listener)
            for message, listener in heard
            if have.get(fields(message).get("id", ""), -1) < fields(message).get("version", 0)
        ]
    return lost


async def _inbox(look: Look, service: str, heard: Sequence[Message]) -> Collection[str]:
    ids = [event_id(message) for message in heard]
    return {row["_id"] for row in await look.found(service, "inbox", "_id", ids)} if ids else set()


async def _versions(
    look: Look, service: str, collection: str, heard: Sequence[Message]
) -> Mapping[str, int]:
    ids = {fields(message).get("id", "") for message in heard}
    known = [ObjectId(one) for one in ids if ObjectId.is_valid(one)]
    rows = await look.found(service, collection, "_id", known, "version")
    return {str(row["_id"]): row["version"] for row in rows}


def _collection(replica: type[VersionedDocument]) -> str:
    # beanie's own way to ask needs a database that the document is bound to.
    name: str = vars(replica)["Settings"].name
    return name


def _burials(subscriber: Subscriber, message: Message) -> set[tuple[str, str]]:
    """What a dead letter of this message and service is known by.

    One that was tried again, and failed again, came by another stream.
    """
    place = f"{subscriber.service}:{message.stream}:{message.number}"
    return {("", place), (subscriber.service, event_id(message) or place)}


async def _buried(look: Look, wanted: Collection[tuple[str, str]]) -> set[tuple[str, str]]:
    """Which of them are dead letters, or were until discarded. Only headers are read."""
    found = set()
    async for batch in messages.batches(look.stores.js, DEAD_LETTERS, headers_only=True):
        for letter in batch:
            service = letter.headers.get("Dead-Letter-Listener", "").partition(".")[0]
            place = letter.headers.get("Dead-Letter-Place") or letter.headers.get("Nats-Msg-Id", "")
            known_by = {("", place), (service, event_id(letter))}
            found |= known_by & {*wanted}
    return found
