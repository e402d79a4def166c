"""Checks of events: each is published, and each consumer has handled it."""

from collections import defaultdict
from collections.abc import AsyncGenerator, Collection, Mapping, Sequence
from dataclasses import dataclass

from bson import ObjectId
from nats.js.errors import NotFoundError

from ticketing_common.events import Envelope, InvalidMessage
from ticketing_common.messaging.replay import REPLAY_STREAM
from ticketing_common.messaging.streams import (
    DEAD_LETTER_STREAM,
    SECRET_STREAMS,
    filter_subjects_of,
    streams,
)
from ticketing_common.persistence.parked_events import COLLECTION
from ticketing_ops.audit import kinds
from ticketing_ops.audit.findings import Finding
from ticketing_ops.audit.repairs import ResendEvent
from ticketing_ops.audit.scan import Scan
from ticketing_ops.audit.streams import (
    acknowledged_sequence,
    nats_errors,
    next_message,
    read_batches,
    read_message,
)
from ticketing_ops.events.reading import Message
from ticketing_ops.events.subjects import BY_SUBJECT
from ticketing_ops.subscriptions import (
    Subscription,
    consumed_subjects,
    services,
    subscriptions_of,
)

Expected = tuple[Message, Subscription]
"""A message and the subscription whose service must have handled it."""


async def find_unpublished(scan: Scan) -> AsyncGenerator[Finding, None]:
    """Find outbox rows older than the grace. Their bodies may have secrets and are not read."""
    fields = ("subject", "aggregate_id", "created_at", "attempts", "last_error")
    for service in scan.stores.databases:
        late = {"created_at": {"$lt": scan.overdue}}
        async for row_id, row in scan.rows(service, "outbox", *fields, where=late):
            attempts = row.get("attempts", 0)
            refusal = f"; NATS refused it {attempts} times: {row['last_error']}" if attempts else ""
            yield Finding(
                kinds.EVENT_NOT_PUBLISHED,
                {"service": service, "event": row_id, "document": row["aggregate_id"]},
                f"{service} has not published {row['subject']} of {row['aggregate_id']}, "
                f"committed at {row['created_at']:%Y-%m-%d %H:%M:%S}{refusal}",
                target=row_id,
            )


async def find_parked(scan: Scan) -> AsyncGenerator[Finding, None]:
    """Find events that are parked for longer than the grace, without reading their bodies."""
    fields = ("subject", "aggregate_id", "parked_at", "reason")
    for service in scan.stores.databases:
        late = {"parked_at": {"$lt": scan.overdue}}
        parked = scan.rows(service, COLLECTION, *fields, where=late, as_text=True)
        async for event_id, row in parked:
            yield Finding(
                kinds.EVENT_PARKED,
                {"service": service, "event": event_id, "document": row["aggregate_id"]},
                f"{service} has parked {row['subject']} of {row['aggregate_id']} at "
                f"{row['parked_at']:%Y-%m-%d %H:%M:%S}: {row['reason']}",
                target=event_id,
            )


async def find_unconsumed(scan: Scan) -> AsyncGenerator[Finding, None]:
    """Find missing streams, missing consumers, and consumers that do not progress."""
    js = scan.stores.js
    missing = set()
    for config in streams():
        name = str(config.name)
        with nats_errors():
            try:
                await js.stream_info(name)
            except NotFoundError:
                missing.add(name)
        if name in missing:
            ids = {"stream": name}
            yield Finding(kinds.STREAM_MISSING, ids, f"There is no stream {name}", target=name)
    for service in services():
        for stream, subjects in consumed_subjects(service).items():
            if stream not in missing:
                async for finding in _check_consumer(scan, service, stream, subjects):
                    yield finding


async def _check_consumer(
    scan: Scan, service: str, stream: str, subjects: Sequence[str]
) -> AsyncGenerator[Finding, None]:
    scan.counter.rows += 1
    ids = {"service": service, "stream": stream}
    target = f"{service} {stream}"
    with nats_errors():
        try:
            info = await scan.stores.js.consumer_info(stream, service)
        except NotFoundError:
            info = None
    if info is None:
        problem = f"{service} has no consumer of {stream}"
        yield Finding(kinds.NOT_SUBSCRIBED, ids, problem, target=target)
        return
    skipped = sorted({*subjects} - {*filter_subjects_of(info.config)})
    if skipped:
        problem = f"The consumer of {service} of {stream} does not receive {', '.join(skipped)}"
        yield Finding(kinds.NOT_SUBSCRIBED, ids, problem, target=target)
    unhandled = (info.num_pending or 0) + (info.num_ack_pending or 0)
    if unhandled:
        acknowledged = acknowledged_sequence(info)
        first = None
        if _is_readable(scan, stream):
            first = await next_message(scan.stores.js, stream, acknowledged, subjects)
        which = f", the first is {first.subject} {first.event_id}" if first is not None else ""
        yield Finding(
            kinds.EVENTS_NOT_HANDLED,
            ids | ({"event": first.event_id} if first is not None else {}),
            f"{service} has not acknowledged {unhandled} events of {stream}{which}",
            target=target,
            state=str(acknowledged),
        )


def _is_readable(scan: Scan, stream: str) -> bool:
    return scan.stores.reads_secrets or stream not in SECRET_STREAMS


@dataclass(frozen=True)
class Consumer:
    """A service with a database that consumes a stream."""

    service: str
    subscriptions: Mapping[str, Subscription]
    """By subject."""
    handled_until: int
    """The sequence number after which messages may be in progress."""


async def find_lost(scan: Scan) -> AsyncGenerator[Finding, None]:
    """Compare the events that consumers have acknowledged with inboxes, copies and proofs.

    Except those with a secret where the NATS user may not read them.
    """
    for config in streams():
        stream = str(config.name)
        if stream in (DEAD_LETTER_STREAM, REPLAY_STREAM) or not _is_readable(scan, stream):
            continue
        consumers = await _consumers(scan, stream)
        async for batch in _batches(scan, stream):
            scan.counter.rows += len(batch)
            lost = [
                expected
                for consumer in consumers
                for expected in await _without_effect(scan, consumer, batch)
            ]
            if not lost:
                continue
            keys = {key for expected in lost for key in _dead_letter_keys(expected)}
            dead_letters = await _existing_dead_letters(scan, keys)
            for expected in lost:
                if not dead_letters & _dead_letter_keys(expected):
                    yield _lost(expected)


def _lost(expected: Expected) -> Finding:
    message, subscription = expected
    document = str(message.fields.get("id") or message.fields.get("orderId") or "")
    resend = ResendEvent(subscription.service, message.stream, message.sequence)
    has_secret = BY_SUBJECT[message.subject].max_age is not None
    return Finding(
        kinds.EVENT_LOST,
        {"event": message.event_id, "service": subscription.service, "document": document},
        f"{subscription.listener} has no record of {message.subject} {message.event_id} "
        f"of {document}",
        target=f"{message.stream}:{message.sequence}",
        # A replay would keep the secret for too long.
        repair=None if has_secret else resend,
    )


async def _batches(scan: Scan, stream: str) -> AsyncGenerator[Sequence[Message], None]:
    if scan.only is None:
        async for batch in read_batches(scan.stores.js, stream):
            yield batch
        return
    for target in sorted(scan.only):
        name, _, sequence = target.partition(":")
        if name == stream:
            message = await read_message(scan.stores.js, stream, int(sequence))
            yield [message] if message is not None else []


async def _consumers(scan: Scan, stream: str) -> list[Consumer]:
    """Return the consumers of a stream. expiration has no inbox; its timers have a check."""
    found = []
    for service in services():
        if service not in scan.stores.databases or stream not in consumed_subjects(service):
            continue
        with nats_errors():
            try:
                # In this order: an idle consumer has handled everything that the stream had before.
                last = (await scan.stores.js.stream_info(stream)).state.last_seq
                info = await scan.stores.js.consumer_info(stream, service)
            except NotFoundError:
                continue  # find_unconsumed reports it
        is_idle = not info.num_pending and not info.num_ack_pending
        handled_until = last if is_idle else acknowledged_sequence(info)
        found.append(Consumer(service, subscriptions_of(service), handled_until))
    return found


async def _without_effect(
    scan: Scan, consumer: Consumer, batch: Sequence[Message]
) -> list[Expected]:
    """Return the messages of a batch that the service acknowledged and has no record of.

    A parked event is one that it has a record of.
    """
    by_inbox: list[Expected] = []
    by_proof: dict[str, list[Expected]] = defaultdict(list)
    by_copy: dict[str, list[Expected]] = defaultdict(list)
    for message in batch:
        subscription = consumer.subscriptions.get(message.subject)
        if subscription is None or message.sequence > consumer.handled_until:
            continue
        if subscription.proof is not None:
            by_proof[message.subject].append((message, subscription))
        elif subscription.copy is None:
            by_inbox.append((message, subscription))
        else:
            by_copy[subscription.copy].append((message, subscription))
    handled = await _ids(scan, consumer.service, "inbox", [message for message, _ in by_inbox])
    lost = [expected for expected in by_inbox if expected[0].event_id not in handled]
    for expected_messages in by_proof.values():
        proven = await _proven(scan, expected_messages)
        lost += [expected for expected in expected_messages if _aggregate(expected) not in proven]
    for collection, expected_messages in by_copy.items():
        messages = [message for message, _ in expected_messages]
        versions = await _versions(scan, consumer.service, collection, messages)
        lost += [
            (message, subscription)
            for message, subscription in expected_messages
            if versions.get(message.fields.get("id", ""), -1) < message.fields.get("version", 0)
        ]
    parked = await _ids(scan, consumer.service, COLLECTION, [message for message, _ in lost])
    return [expected for expected in lost if expected[0].event_id not in parked]


async def _ids(
    scan: Scan, service: str, collection: str, messages: Sequence[Message]
) -> Collection[str]:
    """Return the ids of the messages' events that a collection has."""
    ids = [message.event_id for message in messages]
    if not ids:
        return set()
    return {row["_id"] for row in await scan.find(service, collection, "_id", ids)}


async def _proven(scan: Scan, messages: Sequence[Expected]) -> Collection[str]:
    """Return the aggregates whose documents show that an event of this subject was handled."""
    subscription = messages[0][1]
    assert subscription.proof is not None
    ids = [ObjectId(id) for id in {*map(_aggregate, messages)} if ObjectId.is_valid(id)]
    where = subscription.proof["where"]
    rows = await scan.find(
        subscription.service, subscription.proof["collection"], "_id", ids, where=where
    )
    return {str(row["_id"]) for row in rows}


def _aggregate(expected: Expected) -> str:
    """Return the aggregate's id, an empty string for an invalid message."""
    message, _ = expected
    try:
        event = Envelope(message.subject, message.body).parse(BY_SUBJECT[message.subject])
    except InvalidMessage:
        return ""
    return event.aggregate_id


async def _versions(
    scan: Scan, service: str, collection: str, messages: Sequence[Message]
) -> Mapping[str, int]:
    ids = {message.fields.get("id", "") for message in messages}
    valid = [ObjectId(document) for document in ids if ObjectId.is_valid(document)]
    rows = await scan.find(service, collection, "_id", valid, "version")
    return {str(row["_id"]): row["version"] for row in rows}


def _dead_letter_keys(expected: Expected) -> set[tuple[str, str]]:
    """Return the keys by which a dead letter of a message is recognised.

    One that failed again after a retry came from the replay stream, so it has the event's id only.
    """
    message, subscription = expected
    place = f"{subscription.service}:{message.stream}:{message.sequence}"
    return {("", place), (subscription.service, message.event_id or place)}


async def _existing_dead_letters(
    scan: Scan, keys: Collection[tuple[str, str]]
) -> set[tuple[str, str]]:
    """Return the keys that belong to a dead letter or to a discarded one. Reads only headers."""
    found = set()
    async for batch in read_batches(scan.stores.js, DEAD_LETTER_STREAM):
        for message in batch:
            headers = message.headers
            service = headers.get("Dead-Letter-Listener", "").partition(".")[0]
            place = headers.get("Dead-Letter-Place") or headers.get("Nats-Msg-Id", "")
            found |= {("", place), (service, message.event_id)} & {*keys}
    return found
