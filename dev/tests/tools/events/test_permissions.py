"""The permissions of each service on a real NATS with the users of the cluster."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field

import pytest
from nats.aio.client import Client
from nats.js import JetStreamContext
from nats.js.api import StreamConfig

from expiration.worker import HISTORY_EVENTS
from ticketing_common.events import EVENTS, DomainEvent, Envelope, utc_now
from ticketing_common.messaging.consuming.dead_letters import publish_dead_letter
from ticketing_common.messaging.feed import Feed
from ticketing_common.messaging.feed_reader import IDLE_SECONDS, keep_feed_current
from ticketing_common.messaging.replay import REPLAY_STREAM, publish_replay
from ticketing_common.messaging.stream_reader import StreamReader, read_stored
from ticketing_common.messaging.streams import (
    consumers,
    ephemeral_name,
    filter_subjects_of,
    provision,
    stream_of,
    streams,
    streams_used_by,
)
from ticketing_dev.checkout import NATS_USERS
from ticketing_dev.stack.processes import servers
from ticketing_dev.stack.processes.ports import free_port
from ticketing_dev.stack.processes.servers import AUDIT, OPERATOR, Nats
from ticketing_dev.stack.supervision.process import running
from ticketing_dev.tools.events.permissions import rendered
from ticketing_dev.tools.events.service_listeners import service_listeners
from ticketing_dev.tools.openapi import apps
from ticketing_ops.audit.streams import next_message
from ticketing_ops.errors import CommandError
from ticketing_ops.events.connection import connected
from ticketing_ops.events.reading import read_stream
from ticketing_testing import eventually, new_event, new_id
from ticketing_testing.timeouts import TIMEOUT_SECONDS

LISTENERS = {listeners.service: listeners for listeners in service_listeners()}
STREAMS = [str(stream.name) for stream in streams()]
FEEDS = {name: app.state.feed for name, app in apps().items() if app.state.feed is not None}

FOLLOWED = {name: app.state.follower.event for name, app in apps().items() if app.state.follower}

every_service = pytest.mark.parametrize("service", LISTENERS)


@dataclass
class NatsUser:
    """A NATS user with a connection."""

    name: str
    client: Client = field(default_factory=Client)
    errors: list[str] = field(default_factory=list)

    @property
    def js(self) -> JetStreamContext:
        return self.client.jetstream(timeout=TIMEOUT_SECONDS)

    async def on_error(self, error: Exception) -> None:
        self.errors.append(str(error))

    async def assert_cannot_publish(self, subjects: Iterable[str]) -> None:
        subjects = list(subjects)
        for subject in subjects:
            await self.client.publish(subject, b"{}")
        await self._assert_errors(
            {f'permissions violation for publish to "{subject}"' for subject in subjects}
        )

    async def assert_cannot_subscribe(self, subjects: Iterable[str]) -> None:
        for subject in subjects:
            await self.client.subscribe(subject)
        await self._assert_errors(
            {f'permissions violation for subscription to "{subject}"' for subject in subjects}
        )

    async def _assert_errors(self, expected: set[str]) -> None:
        await self.client.flush()

        async def all_have_arrived() -> bool:
            received = {error.removeprefix("nats: ").lower() for error in self.errors}
            assert {message.lower() for message in expected} - received == set()
            return True

        await eventually(all_have_arrived)


Connect = Callable[[str], AbstractAsyncContextManager[NatsUser]]


@pytest.fixture(scope="module")
def nats(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nats]:
    passwords = {user: f"p{user}" for user in (OPERATOR, AUDIT, *LISTENERS)}
    spec = servers.nats(free_port(), tmp_path_factory.mktemp("nats"), passwords=passwords)
    with running(spec):
        yield spec


@pytest.fixture
def connect(nats: Nats) -> Connect:
    """A function that connects a user as its service does."""

    @asynccontextmanager
    async def connected_user(name: str) -> AsyncIterator[NatsUser]:
        user = NatsUser(name)
        await user.client.connect(
            nats.url_of(name),
            inbox_prefix=f"_INBOX.{name}",
            error_cb=user.on_error,
            connect_timeout=int(TIMEOUT_SECONDS),
        )
        try:
            yield user
        finally:
            await user.client.close()

    return connected_user


@pytest.fixture
async def operator(connect: Connect) -> AsyncIterator[NatsUser]:
    async with connect(OPERATOR) as operator:
        for listeners in LISTENERS.values():
            await provision(operator.js, listeners)
        yield operator


async def publish(user: NatsUser, event: type[DomainEvent]) -> None:
    envelope = Envelope.encode(new_event(event), id=new_id(), time=utc_now(), trace={})
    await user.js.publish(envelope.subject, envelope.body, headers=dict(envelope.headers))


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


async def test_services_create_all_streams_in_any_order(
    connect: Connect, operator: NatsUser
) -> None:
    for stream in STREAMS:
        await operator.js.delete_stream(stream)
    for service, listeners in reversed(LISTENERS.items()):
        async with connect(service) as user:
            for _ in range(2):  # also after a restart, when they exist
                await provision(user.js, listeners)
            assert user.errors == []
    assert {info.config.name for info in await operator.js.streams_info()} == {*STREAMS}


async def test_provision_does_not_update_an_unchanged_consumer(
    operator: NatsUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The permissions of a newer release can forbid the request of an older one."""
    monkeypatch.setattr(JetStreamContext, "add_consumer", None)
    for listeners in LISTENERS.values():
        await provision(operator.js, listeners)


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
    async with connect(service) as user:
        reading = asyncio.create_task(keep_feed_current(user.js, feed, service))
        try:
            await eventually(lambda: _has_position(feed))
            before = feed.position or 0
            for event in feed.events:
                await publish(user, event)
            await eventually(lambda: _is_at(feed, before + len(feed.events)))
            await asyncio.sleep(IDLE_SECONDS + 0.5)  # includes a check for lost messages
        finally:
            reading.cancel()
        assert user.errors == []


@pytest.mark.parametrize("service", FOLLOWED)
async def test_service_can_follow_one_event_of_a_stream(
    connect: Connect, operator: NatsUser, service: str
) -> None:
    event, name = FOLLOWED[service], ephemeral_name(service)
    stream = stream_of(event)
    await publish(operator, event)
    async with connect(service) as user:
        async with StreamReader.open(user.js, stream, name, subject=event.subject) as reader:
            while reader.current_at is None:
                await reader.fetch(TIMEOUT_SECONDS)
            assert await reader.fetch(0.2) == []  # includes a check for lost messages
        assert user.errors == []
        create = f"$JS.API.CONSUMER.CREATE.{stream}.{name}"
        await user.assert_cannot_publish([create, f"{create}.user.signed-up", f"{create}.>"])


async def _has_position(feed: Feed) -> bool:
    return feed.position is not None


async def _is_at(feed: Feed, position: int) -> bool:
    return (feed.position or 0) >= position


async def test_expiration_can_read_the_order_history(connect: Connect, operator: NatsUser) -> None:
    for event in HISTORY_EVENTS:
        await publish(operator, event)
    async with connect("expiration") as user:
        (stream,) = {stream_of(event) for event in HISTORY_EVENTS}
        by_subject = {event.subject: event for event in HISTORY_EVENTS}
        name = ephemeral_name("expiration")
        messages = read_stored(user.js, stream, name, subjects=sorted(by_subject))
        events = [
            Envelope(message.subject, message.data).decode(by_subject[message.subject])
            async for message in messages
        ]
        assert {type(event) for event in events} == {*HISTORY_EVENTS}
        assert user.errors == []


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
async def test_service_cannot_delete_purge_or_read_a_stream(
    connect: Connect, operator: NatsUser, service: str
) -> None:
    requests = [
        "DELETE",
        "PURGE",
        "SNAPSHOT",
        "RESTORE",
        "MSG.DELETE",
        "MSG.GET",
        "LEADER.STEPDOWN",
    ]
    subjects = [f"$JS.API.STREAM.{request}.{stream}" for request in requests for stream in STREAMS]
    subjects += [f"$JS.API.DIRECT.GET.{stream}" for stream in STREAMS]
    foreign = {*STREAMS} - streams_used_by(LISTENERS[service], FOLLOWED.get(service))
    subjects += [f"$JS.API.STREAM.{r}.{s}" for r in ("CREATE", "INFO", "UPDATE") for s in foreign]
    subjects += [f"$JS.API.STREAM.UPDATE.{stream}" for stream in ("REPLAY", "DEAD-LETTERS")]
    subjects += [
        "$JS.API.STREAM.LIST",
        "$JS.API.STREAM.NAMES",
        "$JS.API.INFO",
        "$SYS.REQ.SERVER.PING",
    ]
    async with connect(service) as user:
        await user.assert_cannot_publish(subjects)


@every_service
async def test_service_cannot_access_consumers_of_another(
    connect: Connect, operator: NatsUser, service: str
) -> None:
    subjects = []
    for other, listeners in LISTENERS.items():
        for stream in consumers(listeners):
            if other != service:
                subjects += [
                    f"$JS.API.CONSUMER.{request}.{stream}.{other}"
                    for request in ("INFO", "CREATE", "DURABLE.CREATE", "MSG.NEXT", "DELETE")
                ]
                subjects += [
                    f"$JS.API.CONSUMER.CREATE.{stream}.{other}.user.signed-up",
                    f"$JS.ACK.{stream}.{other}.1.1.1.1.0",
                ]
    # These name no consumer in the subject, and the body could name any.
    subjects += [f"$JS.API.CONSUMER.CREATE.{stream}" for stream in STREAMS]
    subjects += [f"$JS.API.CONSUMER.LIST.{stream}" for stream in STREAMS]
    async with connect(service) as user:
        await user.assert_cannot_publish(subjects)


@every_service
async def test_service_cannot_subscribe_without_its_consumers(
    connect: Connect, operator: NatsUser, service: str
) -> None:
    wider = [event.subject for event in EVENTS] + [">", "*.>", "_INBOX.>", "$JS.>", "replay.>"]
    wider += [f"_INBOX.{other}.>" for other in LISTENERS if other != service]
    async with connect(service) as user:
        await user.assert_cannot_subscribe(wider)


@pytest.mark.parametrize("service", ["tickets", "orders", "payments"])
async def test_service_cannot_widen_the_filter_of_its_consumer(
    connect: Connect, operator: NatsUser, service: str
) -> None:
    async with connect(service) as user:
        await user.assert_cannot_publish(
            [
                f"$JS.API.CONSUMER.CREATE.USER.{service}",
                f"$JS.API.CONSUMER.CREATE.USER.{service}.user.signed-up",
                f"$JS.API.CONSUMER.DURABLE.CREATE.USER.{service}",
            ]
        )


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
            await audit.js.stream_info(stream)
            if stream == REPLAY_STREAM:  # a work queue: only its consumers can read it
                continue
            read = [message async for message in read_stream(audit.js, stream, [">"])]
            info = await operator.js.stream_info(stream)
            assert len(read) == info.state.messages
            for message in read[:1]:
                await audit.js.get_msg(stream, message.sequence)
        for service, listeners in LISTENERS.items():
            for stream, consumer in consumers(listeners).items():
                await audit.js.consumer_info(stream, service)
                await next_message(audit.js, stream, 0, filter_subjects_of(consumer))
        assert audit.errors == []


async def test_audit_cannot_publish_or_use_consumers_of_services(
    connect: Connect, operator: NatsUser
) -> None:
    subjects = [event.subject for event in EVENTS]
    subjects += [f"replay.{service}.order.created" for service in LISTENERS]
    subjects += [f"dead-letter.{service}.order.created" for service in LISTENERS]
    subjects += [
        f"$JS.API.STREAM.{request}.{stream}"
        for request in ("CREATE", "UPDATE", "DELETE", "PURGE", "MSG.DELETE")
        for stream in STREAMS
    ]
    for service, listeners in LISTENERS.items():
        for stream in consumers(listeners):
            subjects += [
                f"$JS.API.CONSUMER.{request}.{stream}.{service}"
                for request in ("CREATE", "DURABLE.CREATE", "MSG.NEXT", "DELETE")
            ]
            subjects += [
                f"$JS.API.CONSUMER.CREATE.{stream}.{service}.user.signed-up",
                f"$JS.ACK.{stream}.{service}.1.1.1.1.0",
            ]
    # The body of this request could name any consumer.
    subjects += [f"$JS.API.CONSUMER.CREATE.{stream}" for stream in STREAMS]
    async with connect(AUDIT) as audit:
        await audit.assert_cannot_publish(subjects)


async def test_audit_cannot_subscribe_to_other_inboxes(
    connect: Connect, operator: NatsUser
) -> None:
    async with connect(AUDIT) as audit:
        await audit.assert_cannot_subscribe([">", "_INBOX.>", *(event.subject for event in EVENTS)])
