"""What each service may do on the bus, asked of a real NATS with the cluster's users."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field

import pytest
from nats.aio.client import Client
from nats.js import JetStreamContext
from nats.js.api import StreamConfig
from ticketing_common.messaging.history import history

from expiration.worker import LOOKED_BACK_ON
from ticketing_common.events import EVENTS, DomainEvent, Envelope, utc_now
from ticketing_common.messaging.dead_letters import bury
from ticketing_common.messaging.feed import Feed
from ticketing_common.messaging.feed_reader import IDLE_SECONDS, follow
from ticketing_common.messaging.replay import publish_replay
from ticketing_common.messaging.streams import (
    consumers,
    provision,
    stream_of,
    streams,
    streams_used_by,
)
from ticketing_dev.checkout import NATS_USERS
from ticketing_dev.stack.lifecycle import StackError
from ticketing_dev.stack.processes import servers
from ticketing_dev.stack.processes.ports import free_port
from ticketing_dev.stack.processes.servers import Nats
from ticketing_dev.stack.supervision.process import running
from ticketing_dev.tools.diagram import subscription_lists
from ticketing_dev.tools.openapi import apps
from ticketing_dev.tools.permissions import OPERATOR, rendered
from ticketing_ops.events.connection import connected
from ticketing_testing import eventually, new_event, new_id
from ticketing_testing.timeouts import TIMEOUT_SECONDS

LISTS = {listeners.service: listeners for listeners in subscription_lists()}
STREAMS = [str(stream.name) for stream in streams()]
FEEDS = {name: app.state.feed for name, app in apps().items() if app.state.feed is not None}

every_service = pytest.mark.parametrize("service", LISTS)


@dataclass
class Member:
    """A user of the bus."""

    name: str
    client: Client = field(default_factory=Client)
    complaints: list[str] = field(default_factory=list)

    @property
    def js(self) -> JetStreamContext:
        return self.client.jetstream(timeout=TIMEOUT_SECONDS)

    async def hear(self, error: Exception) -> None:
        self.complaints.append(str(error))

    async def may_not_publish(self, subjects: Iterable[str]) -> None:
        subjects = list(subjects)
        for subject in subjects:
            await self.client.publish(subject, b"{}")
        await self._refused({f'permissions violation for publish to "{one}"' for one in subjects})

    async def may_not_subscribe(self, subjects: Iterable[str]) -> None:
        for subject in subjects:
            await self.client.subscribe(subject)
        await self._refused(
            {f'permissions violation for subscription to "{one}"' for one in subjects}
        )

    async def _refused(self, expected: set[str]) -> None:
        await self.client.flush()

        async def all_of_it() -> bool:
            heard = {complaint.removeprefix("nats: ").lower() for complaint in self.complaints}
            assert {words.lower() for words in expected} - heard == set()
            return True

        await eventually(all_of_it)


Enter = Callable[[str], AbstractAsyncContextManager[Member]]


@pytest.fixture(scope="module")
def nats(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nats]:
    passwords = {user: f"p{user}" for user in (OPERATOR, *LISTS)}
    part = servers.nats(free_port(), tmp_path_factory.mktemp("nats"), passwords=passwords)
    with running(part):
        yield part


@pytest.fixture
def enter(nats: Nats) -> Enter:
    """Connects a user as its service does."""

    @asynccontextmanager
    async def entered(user: str) -> AsyncIterator[Member]:
        member = Member(user)
        await member.client.connect(
            nats.url_of(user),
            inbox_prefix=f"_INBOX.{user}",
            error_cb=member.hear,
            connect_timeout=int(TIMEOUT_SECONDS),
        )
        try:
            yield member
        finally:
            await member.client.close()

    return entered


@pytest.fixture
async def operator(enter: Enter) -> AsyncIterator[Member]:
    async with enter(OPERATOR) as operator:
        for listeners in LISTS.values():
            await provision(operator.js, listeners)
        yield operator


async def say(member: Member, event: type[DomainEvent]) -> None:
    sealed = Envelope.encode(new_event(event), id=new_id(), time=utc_now(), trace={})
    await member.js.publish(sealed.subject, sealed.body, headers=dict(sealed.headers))


def test_the_manifests_users_are_those_of_the_code() -> None:
    assert NATS_USERS.read_text() == rendered(), (
        "`.venv/bin/python -m ticketing_dev.tools.permissions` writes it"
    )


async def test_who_has_a_wrong_password_is_told_so_and_not_that_the_bus_is_away(nats: Nats) -> None:
    wrong = nats.url_of(OPERATOR).replace(f":p{OPERATOR}@", ":hush@")
    with pytest.raises(StackError, match="does not let us in") as told:
        async with connected(wrong):
            pass
    assert "hush" not in str(told.value)


async def test_the_services_make_all_streams_among_themselves_in_any_order(
    enter: Enter, operator: Member
) -> None:
    for stream in STREAMS:
        await operator.js.delete_stream(stream)
    for service, listeners in reversed(LISTS.items()):
        async with enter(service) as member:
            for _ in range(2):  # a service that starts again finds what it has made
                await provision(member.js, listeners)
            assert member.complaints == []
    assert {info.config.name for info in await operator.js.streams_info()} == {*STREAMS}


async def test_a_consumer_that_is_as_it_should_be_is_left_alone(
    operator: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next version's permissions need not allow what this one says again at each start."""
    monkeypatch.setattr(JetStreamContext, "add_consumer", None)
    for listeners in LISTS.values():
        await provision(operator.js, listeners)


@every_service
async def test_a_service_says_what_it_has_to_say(
    enter: Enter, operator: Member, service: str
) -> None:
    async with enter(service) as member:
        for event in EVENTS:
            if event.producer == service:
                await say(member, event)
        assert member.complaints == []


@every_service
async def test_a_service_hears_what_it_listens_to_acknowledges_it_and_buries_what_is_dead(
    enter: Enter, operator: Member, service: str
) -> None:
    listeners = LISTS[service]
    async with enter(service) as member:
        for row in listeners:
            await say(operator, row.event)
            await publish_replay(operator.js, service, row.event.subject, b"{}", {}, id=new_id())
        for stream in consumers(listeners):
            subscription = await member.js.pull_subscribe_bind(service, stream=stream)
            [first] = await subscription.fetch(1, timeout=TIMEOUT_SECONDS)
            await first.nak(delay=0)
            [first] = await subscription.fetch(1, timeout=TIMEOUT_SECONDS)
            await first.in_progress()
            await first.ack()
        for row in listeners:
            await say(operator, row.event)
            subscription = await member.js.pull_subscribe_bind(service, stream=stream_of(row.event))
            [message] = await subscription.fetch(1, timeout=TIMEOUT_SECONDS)
            await bury(member.js, message, row, cause="a test", tries=1)
        await member.client.flush()
        assert member.complaints == []


@pytest.mark.parametrize("service", FEEDS)
async def test_a_service_follows_its_own_stream_for_those_who_watch(
    enter: Enter, operator: Member, service: str
) -> None:
    feed = Feed(*FEEDS[service].events)
    async with enter(service) as member:
        following = asyncio.create_task(follow(member.js, feed, service))
        try:
            await eventually(lambda: _begun(feed))
            before = feed.position or 0
            for event in feed.events:
                await say(member, event)
            await eventually(lambda: _is_at(feed, before + len(feed.events)))
            await asyncio.sleep(IDLE_SECONDS + 0.5)  # it asks whether that was all
        finally:
            following.cancel()
        assert member.complaints == []


async def _begun(feed: Feed) -> bool:
    return feed.position is not None


async def _is_at(feed: Feed, position: int) -> bool:
    return (feed.position or 0) >= position


async def test_expiration_looks_back_on_the_orders(enter: Enter, operator: Member) -> None:
    for event in LOOKED_BACK_ON:
        await say(operator, event)
    async with enter("expiration") as member:
        told = [type(event) async for event in history(member.js, "expiration", *LOOKED_BACK_ON)]
        assert {*told} == {*LOOKED_BACK_ON}
        assert member.complaints == []


@every_service
async def test_a_service_may_not_speak_for_another(
    enter: Enter, operator: Member, service: str
) -> None:
    others = [event.subject for event in EVENTS if event.producer != service]
    others += [f"{event.subject}.more" for event in EVENTS]
    others += [f"dead-letter.{one}.order.created" for one in LISTS if one != service]
    others += [f"again.{one}.order.created" for one in LISTS]
    async with enter(service) as member:
        await member.may_not_publish(others)


@every_service
async def test_a_service_may_neither_end_nor_empty_nor_search_a_stream(
    enter: Enter, operator: Member, service: str
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
    foreign = {*STREAMS} - streams_used_by(LISTS[service])
    subjects += [f"$JS.API.STREAM.{r}.{s}" for r in ("CREATE", "INFO", "UPDATE") for s in foreign]
    subjects += [f"$JS.API.STREAM.UPDATE.{stream}" for stream in ("AGAIN", "DEAD-LETTERS")]
    subjects += [
        "$JS.API.STREAM.LIST",
        "$JS.API.STREAM.NAMES",
        "$JS.API.INFO",
        "$SYS.REQ.SERVER.PING",
    ]
    async with enter(service) as member:
        await member.may_not_publish(subjects)


@every_service
async def test_a_service_may_not_touch_anothers_consumer(
    enter: Enter, operator: Member, service: str
) -> None:
    subjects = []
    for other, listeners in LISTS.items():
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
    # These name nobody, and with words in the body they would reach everybody.
    subjects += [f"$JS.API.CONSUMER.CREATE.{stream}" for stream in STREAMS]
    subjects += [f"$JS.API.CONSUMER.LIST.{stream}" for stream in STREAMS]
    async with enter(service) as member:
        await member.may_not_publish(subjects)


@every_service
async def test_a_service_may_not_listen_past_its_consumers(
    enter: Enter, operator: Member, service: str
) -> None:
    wider = [event.subject for event in EVENTS] + [">", "*.>", "_INBOX.>", "$JS.>", "again.>"]
    wider += [f"_INBOX.{other}.>" for other in LISTS if other != service]
    async with enter(service) as member:
        await member.may_not_subscribe(wider)


@pytest.mark.parametrize("service", ["tickets", "orders", "payments"])
async def test_who_hears_of_new_passwords_cannot_widen_that_to_who_signs_up(
    enter: Enter, operator: Member, service: str
) -> None:
    async with enter(service) as member:
        await member.may_not_publish(
            [
                f"$JS.API.CONSUMER.CREATE.USER.{service}",
                f"$JS.API.CONSUMER.CREATE.USER.{service}.user.signed-up",
                f"$JS.API.CONSUMER.DURABLE.CREATE.USER.{service}",
            ]
        )


async def test_an_operator_may_do_everything(operator: Member) -> None:
    await operator.js.add_stream(StreamConfig(name="MORE", subjects=["more.>"]))
    await operator.js.purge_stream("MORE")
    await operator.js.delete_stream("MORE")
    assert operator.complaints == []
