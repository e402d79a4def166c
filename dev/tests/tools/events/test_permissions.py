"""The permissions of each service on a real NATS with the users of the cluster."""

import pytest
from dev.tests.tools.events.nats_users import (
    FEEDS,
    FOLLOWED,
    GRANTS,
    LISTENERS,
    STREAMS,
    Connect,
    NatsUser,
    publish,
)
from nats.js.api import StreamConfig

from expiration.worker import HISTORY_EVENTS
from ticketing_common.background import background
from ticketing_common.events import EVENTS, Envelope
from ticketing_common.messaging.consuming.dead_letters import publish_dead_letter
from ticketing_common.messaging.feed import Feed
from ticketing_common.messaging.feed_reader import keep_feed_current
from ticketing_common.messaging.provisioning import provision
from ticketing_common.messaging.replay import publish_replay
from ticketing_common.messaging.stream_reader import StreamReader, read_stored
from ticketing_common.messaging.streams import (
    SECRET_STREAMS,
    consumers,
    filter_subjects_of,
    republished_subject,
    stream_of,
)
from ticketing_dev.checkout import NATS_USERS
from ticketing_dev.stack.processes.servers import AUDIT, OPERATOR, PROVISIONER, Nats
from ticketing_dev.tools.events.permissions import rendered
from ticketing_ops.audit.streams import next_message
from ticketing_ops.errors import CommandError
from ticketing_ops.events.connection import connected
from ticketing_ops.events.reading import read_stream
from ticketing_ops.subscriptions import consumed_events
from ticketing_testing import eventually, new_id
from ticketing_testing.timeouts import TIMEOUT_SECONDS

every_service = pytest.mark.parametrize("service", LISTENERS)


def test_users_file_is_up_to_date() -> None:
    assert NATS_USERS.read_text() == rendered(), (
        "`.venv/bin/python -m ticketing_dev.tools.events.permissions` writes it"
    )


async def test_bus_connection_reports_a_wrong_password(nats: Nats) -> None:
    wrong = nats.url_of(OPERATOR).replace(f":p{OPERATOR}@", ":hush@")
    with pytest.raises(CommandError, match="refuses the user or the password") as raised:
        async with connected(wrong):
            pass
    assert "hush" not in str(raised.value)


async def test_bus_connection_reports_a_missing_permission(nats: Nats) -> None:
    with pytest.raises(CommandError, match=r"does not permit this: .*order\.created"):
        async with connected(nats.url_of(AUDIT)) as js:
            await js.publish("order.created", b"{}", timeout=1)


async def test_provisioner_creates_what_is_missing(connect: Connect, operator: NatsUser) -> None:
    for stream in STREAMS:
        await operator.js.delete_stream(stream)
    async with connect(PROVISIONER) as user:
        created = await provision(user.js, consumed_events())
        assert await provision(user.js, consumed_events()) == []
        assert user.errors == []
    assert len(created) == len(STREAMS) + sum(len(consumers(each)) for each in LISTENERS.values())


@every_service
async def test_service_can_publish_its_events(
    connect: Connect, operator: NatsUser, service: str
) -> None:
    async with connect(service) as user:
        for event in EVENTS:
            if event.producer == service:
                await publish(user, event)
        assert user.errors == []


@every_service
async def test_service_can_consume_acknowledge_and_dead_letter(
    connect: Connect, operator: NatsUser, service: str
) -> None:
    listeners = LISTENERS[service]
    async with connect(service) as user:
        for listener in listeners:
            await publish(operator, listener.event)
            await publish_replay(
                operator.js, service, listener.event.subject, b"{}", {}, id=new_id()
            )
        for stream in consumers(listeners):
            subscription = await user.js.pull_subscribe_bind(service, stream=stream)
            [first] = await subscription.fetch(1, timeout=TIMEOUT_SECONDS)
            await first.nak(delay=0)
            [first] = await subscription.fetch(1, timeout=TIMEOUT_SECONDS)
            await first.in_progress()
            await first.ack()
        for listener in listeners:
            await publish(operator, listener.event)
            subscription = await user.js.pull_subscribe_bind(
                service, stream=stream_of(listener.event)
            )
            [message] = await subscription.fetch(1, timeout=TIMEOUT_SECONDS)
            envelope = Envelope(message.subject, message.data, dict(message.headers or {}))
            await publish_dead_letter(
                user.js,
                envelope,
                listener,
                stream=message.metadata.stream,
                sequence=message.metadata.sequence.stream,
                cause="a test",
                attempts=1,
            )
            await message.term()
        await user.client.flush()
        assert user.errors == []


@pytest.mark.parametrize("service", FEEDS)
async def test_service_can_read_the_stream_of_its_feed(
    connect: Connect, operator: NatsUser, service: str
) -> None:
    feed = Feed(*FEEDS[service].events)
    async with connect(service) as user, background(keep_feed_current(user.js, feed)):
        await eventually(lambda: _is_live(feed))
        before = feed.position or 0
        for event in feed.events:
            await publish(user, event)
        await eventually(lambda: _is_at(feed, before + len(feed.events)))
        assert user.errors == []


@pytest.mark.parametrize("service", FOLLOWED)
async def test_service_can_follow_one_event(
    connect: Connect, operator: NatsUser, service: str
) -> None:
    event = FOLLOWED[service]
    await publish(operator, event)
    async with connect(service) as user:
        stored = [message async for message in read_stored(user.js, stream_of(event))]
        assert stored[-1].subject == event.subject
        async with StreamReader.open(
            user.js, stream_of(event), start_sequence=stored[-1].sequence + 1
        ) as reader:
            await publish(operator, event)
            [live] = await reader.fetch(TIMEOUT_SECONDS)
            assert live.envelope.decode(event)
            await user.js.get_msg(stream_of(event), live.sequence)
        assert user.errors == []


async def _is_live(feed: Feed) -> bool:
    return feed.is_live


async def _is_at(feed: Feed, position: int) -> bool:
    return (feed.position or 0) >= position


async def test_expiration_can_read_the_order_history(connect: Connect, operator: NatsUser) -> None:
    for event in HISTORY_EVENTS:
        await publish(operator, event)
    async with connect("expiration") as user:
        (stream,) = {stream_of(event) for event in HISTORY_EVENTS}
        subjects = {message.subject async for message in read_stored(user.js, stream)}
        assert subjects >= {event.subject for event in HISTORY_EVENTS}
        assert user.errors == []


def test_service_reads_no_event_that_it_has_no_use_for() -> None:
    """A reader of a stream can read all of its events."""
    allowed = {("expiration", event.subject) for event in EVENTS if event.aggregate == "order"}
    for service, listeners in LISTENERS.items():
        read = {
            stream
            for stream in STREAMS
            if f"$JS.API.DIRECT.GET.{stream}" in GRANTS[service].publish
        }
        for event in EVENTS:
            is_consumed = listeners.of(event.subject) is not None
            is_used = event.producer == service or is_consumed or FOLLOWED.get(service) is event
            if stream_of(event) in read and not is_used:
                assert (service, event.subject) in allowed


@every_service
async def test_service_cannot_publish_events_of_another(
    connect: Connect, operator: NatsUser, service: str
) -> None:
    others = [event.subject for event in EVENTS if event.producer != service]
    others += [f"{event.subject}.more" for event in EVENTS]
    others += [f"dead-letter.{other}.order.created" for other in LISTENERS if other != service]
    others += [f"replay.{other}.order.created" for other in LISTENERS]
    async with connect(service) as user:
        await user.assert_cannot_publish(others)


@every_service
async def test_service_cannot_subscribe_to_others(
    connect: Connect, operator: NatsUser, service: str
) -> None:
    wider = [event.subject for event in EVENTS] + [">", "*.>", "_INBOX.>", "$JS.>", "replay.>"]
    wider += [republished_subject(stream) for stream in STREAMS]
    wider = [subject for subject in wider if subject not in GRANTS[service].subscribe]
    wider += [f"_INBOX.{other}.>" for other in LISTENERS if other != service]
    async with connect(service) as user:
        await user.assert_cannot_subscribe(wider)


async def test_operator_can_do_everything(operator: NatsUser) -> None:
    await operator.js.add_stream(StreamConfig(name="MORE", subjects=["more.>"]))
    await operator.js.purge_stream("MORE")
    await operator.js.delete_stream("MORE")
    assert operator.errors == []


async def test_audit_can_read_streams_and_consumers(connect: Connect, operator: NatsUser) -> None:
    for event in EVENTS:
        await publish(operator, event)
    async with connect(AUDIT) as audit:
        await audit.js.account_info()
        for stream in STREAMS:
            info = await audit.js.stream_info(stream)
            if stream in SECRET_STREAMS:
                continue
            read = [message async for message in read_stream(audit.js, stream, [">"])]
            assert len(read) == info.state.messages
            for message in read[:1]:
                await audit.js.get_msg(stream, message.sequence)
        for service, listeners in LISTENERS.items():
            for stream, consumer in consumers(listeners).items():
                await audit.js.consumer_info(stream, service)
                if stream not in SECRET_STREAMS:
                    await next_message(audit.js, stream, 0, filter_subjects_of(consumer))
        assert audit.errors == []


async def test_audit_cannot_subscribe_to_other_inboxes(
    connect: Connect, operator: NatsUser
) -> None:
    async with connect(AUDIT) as audit:
        await audit.assert_cannot_subscribe([">", "_INBOX.>", *(event.subject for event in EVENTS)])
