import asyncio
import os
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import httpx
import pytest
from common.tests.sample_service import SampleListeners, create_sample_service
from fastapi import FastAPI
from pymongo import AsyncMongoClient, monitoring

from ticketing_common.background import background
from ticketing_common.events import UserChangedPassword, utc_now
from ticketing_common.messaging import follower
from ticketing_common.persistence import database
from ticketing_common.settings import SessionSettings
from ticketing_common.web import session_cutoffs
from ticketing_common.web.session_cutoffs import (
    HISTORY,
    LEASE_SECONDS,
    SessionCutoff,
    SessionCutoffs,
    end_sessions,
)
from ticketing_common.web.sessions import SessionUser
from ticketing_dev.stack.processes import servers
from ticketing_dev.stack.processes.ports import free_port
from ticketing_dev.stack.supervision.process import Process
from ticketing_testing import (
    Bus,
    RunningService,
    TestEnvironment,
    eventually,
    new_event,
    new_id,
    new_user,
)

NOT_SIGNED_IN = {"errors": [{"code": "not_signed_in", "message": "Not authorized"}]}
LONG_AGO = timedelta(days=2)


class Finds(monitoring.CommandListener):
    """Counts the reads of each collection."""

    def __init__(self) -> None:
        self.by_collection: Counter[str] = Counter()

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        if event.command_name == "find":
            self.by_collection[event.command["find"]] += 1

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        pass

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        pass


@pytest.fixture
def finds(monkeypatch: pytest.MonkeyPatch) -> Finds:
    """The reads of MongoDB clients that the test opens."""
    listener = Finds()
    client = partial(AsyncMongoClient, event_listeners=[listener])
    monkeypatch.setattr(database, "AsyncMongoClient", client)
    return listener


def changed(user: SessionUser) -> UserChangedPassword:
    return new_event(UserChangedPassword, id=user.id, changed_at=utc_now())


async def post(client: httpx.AsyncClient) -> int:
    return (await client.post("/api/items", json={"title": "a"})).status_code


def cutoffs_of(service: RunningService) -> SessionCutoffs:
    cutoffs: SessionCutoffs = service.app.state.follower
    return cutoffs


async def until_current(cutoffs: SessionCutoffs) -> None:
    async def is_current() -> bool:
        return cutoffs.is_current

    assert await eventually(is_current)


async def test_session_before_a_password_change_is_refused(
    served: RunningService, sample: SampleListeners
) -> None:
    user = new_user()
    visitor = await served.client(user)
    other = await served.client(new_user())
    await until_current(cutoffs_of(served))
    assert await post(visitor) == 201

    await served.bus.publish(changed(user))
    await served.bus.wait_until_handled(sample.listeners)

    refused = await visitor.post("/api/items", json={"title": "a"})
    assert refused.status_code == 401
    assert refused.json() == NOT_SIGNED_IN
    assert await post(other) == 201
    assert await post(await served.client(user)) == 201


async def test_cutoff_is_the_latest_in_any_order(
    served: RunningService, sample: SampleListeners
) -> None:
    user, now = new_user(), utc_now()
    last = new_event(UserChangedPassword, id=user.id, version=2, changed_at=now)
    first = new_event(
        UserChangedPassword, id=user.id, version=1, changed_at=now - timedelta(minutes=1)
    )

    await served.bus.publish(last, first, last, first)
    await served.bus.wait_until_handled(sample.listeners)

    [cutoff] = await SessionCutoff.find_all().to_list()
    assert (str(cutoff.id), cutoff.changed_at) == (user.id, now)
    assert await cutoffs_of(served).has_ended(user.id, now - timedelta(seconds=1))
    assert not await cutoffs_of(served).has_ended(user.id, now)


async def test_session_costs_no_read_while_the_cutoffs_are_current(
    finds: Finds, served: RunningService
) -> None:
    visitor = await served.client(new_user())
    await until_current(cutoffs_of(served))
    finds.by_collection.clear()

    for _ in range(3):
        assert await post(visitor) == 201

    assert finds.by_collection["session_cutoffs"] == 0


async def test_every_replica_refuses_the_session(
    environment: TestEnvironment,
    finds: Finds,
    sample: SampleListeners,
    create_app: Callable[[], FastAPI],
) -> None:
    user = new_user()
    async with environment.serve(create_app()) as one, environment.serve(create_app()) as two:
        visitors = [await one.client(user), await two.client(user)]
        for replica, visitor in zip((one, two), visitors, strict=True):
            await until_current(cutoffs_of(replica))
            assert await post(visitor) == 201

        await one.bus.publish(changed(user))

        async def are_refused() -> bool:
            return [await post(visitor) for visitor in visitors] == [401, 401]

        finds.by_collection.clear()
        assert await eventually(are_refused)
        assert finds.by_collection["session_cutoffs"] == 0


async def test_restarted_process_refuses_the_session(
    environment: TestEnvironment,
    finds: Finds,
    sample: SampleListeners,
    create_app: Callable[[], FastAPI],
) -> None:
    user, stored = new_user(), new_user()
    async with environment.serve(create_app()) as first:
        await first.bus.publish(changed(user))
        await first.bus.wait_until_handled(sample.listeners)
        await end_sessions(stored.id, utc_now())  # the bus does not have this one

    async with environment.serve(create_app()) as second:
        before = utc_now() - timedelta(seconds=30)
        for ended in (user, stored):  # at once, from the store
            assert await cutoffs_of(second).has_ended(ended.id, before)
        await until_current(cutoffs_of(second))
        finds.by_collection.clear()
        for ended in (user, stored):
            assert await cutoffs_of(second).has_ended(ended.id, before)
        assert not await cutoffs_of(second).has_ended(new_id(), before)
        assert finds.by_collection["session_cutoffs"] == 0


@asynccontextmanager
async def following(environment: TestEnvironment, cutoffs: SessionCutoffs) -> AsyncIterator[Bus]:
    """Follow the bus for the block, with the store open."""
    async with (
        Bus.open(environment.nats_url) as bus,
        database.connected(environment.mongo_uri, [SessionCutoff]),
        background(follower.keep_current(bus.js, cutoffs, "sample")),
    ):
        yield bus


async def test_cutoffs_above_the_bound_are_read_from_the_store(
    environment: TestEnvironment, finds: Finds
) -> None:
    cutoffs = SessionCutoffs(max_in_memory=2)
    users = [new_user() for _ in range(4)]
    now = utc_now()
    times = [now - timedelta(hours=hours) for hours in (4, 3, 2, 1)]
    async with database.connected(environment.mongo_uri, [SessionCutoff]):
        for user, changed_at in zip(users[:3], times, strict=False):
            await end_sessions(user.id, changed_at)

    async with following(environment, cutoffs) as bus:
        await until_current(cutoffs)
        await bus.publish(new_event(UserChangedPassword, id=users[3].id, changed_at=times[3]))
        await eventually(lambda: _has_ended(cutoffs, users[3], now - timedelta(hours=2)))
        await end_sessions(users[3].id, times[3])  # as the service's consumer does
        finds.by_collection.clear()

        for user, changed_at in zip(users, times, strict=True):
            assert await cutoffs.has_ended(user.id, changed_at - timedelta(minutes=1))
            assert not await cutoffs.has_ended(user.id, changed_at)
        # Of four, the two latest are in memory: it decides about sessions after the others.
        assert not await cutoffs.has_ended(new_id(), times[1])
        reads = finds.by_collection["session_cutoffs"]
        assert not await cutoffs.has_ended(new_id(), times[0])
        assert (reads, finds.by_collection["session_cutoffs"]) == (3, 4)


async def _has_ended(cutoffs: SessionCutoffs, user: SessionUser, began: datetime) -> bool:
    return await cutoffs.has_ended(user.id, began)


async def test_invalid_event_does_not_stop_the_follower(environment: TestEnvironment) -> None:
    cutoffs, user = SessionCutoffs(), new_user()
    async with following(environment, cutoffs) as bus:
        await until_current(cutoffs)
        await bus.publish_raw(UserChangedPassword, b"{")
        await bus.publish(changed(user))
        assert await eventually(lambda: _has_ended(cutoffs, user, utc_now() - LONG_AGO))


async def test_cutoffs_are_loaded_again_after_a_recreated_stream(
    environment: TestEnvironment,
) -> None:
    cutoffs, stored = SessionCutoffs(), new_user()
    async with following(environment, cutoffs) as bus:
        await until_current(cutoffs)
        config = (await bus.js.stream_info("USER")).config
        await bus.js.delete_stream("USER")
        await end_sessions(stored.id, utc_now())
        await bus.js.add_stream(config)

        assert await eventually(lambda: _has_ended(cutoffs, stored, utc_now() - LONG_AGO))


async def test_store_decides_while_the_bus_hangs(
    environment: TestEnvironment, tmp_path: Path, ignore_broken_connections: None
) -> None:
    """Another replica stores a cutoff that this one cannot receive."""
    process = Process(servers.nats(free_port(), tmp_path))
    await asyncio.to_thread(process.start)
    apart = TestEnvironment(environment.mongo_uri, process.spec.url, environment.redis_url)
    sample = SampleListeners()
    app = create_sample_service(SessionSettings(**apart.settings()), sample.listeners)
    try:
        async with apart.serve(app) as service:
            user, other = new_user(), new_user()
            visitor, another = await service.client(user), await service.client(other)
            await until_current(cutoffs_of(service))
            pid = process.pid
            assert pid is not None
            os.kill(pid, signal.SIGSTOP)
            paused_at = time.monotonic()
            assert await post(visitor) == 201
            await end_sessions(user.id, utc_now())

            async def is_refused() -> bool:
                return await post(visitor) == 401

            assert await eventually(is_refused)
            assert time.monotonic() - paused_at < LEASE_SECONDS + 2
            assert await post(another) == 201
            assert not cutoffs_of(service).is_current

            os.kill(pid, signal.SIGCONT)
            await until_current(cutoffs_of(service))
            await service.bus.publish(changed(other))
            assert await eventually(lambda: _status_is(another, 401))
    finally:
        await asyncio.to_thread(process.stop)


async def _status_is(client: httpx.AsyncClient, status: int) -> bool:
    return await post(client) == status


def test_history_covers_every_valid_session() -> None:
    assert HISTORY > session_cutoffs.SESSION_AGE
    assert follower.CONFIRM_SECONDS * 2 < LEASE_SECONDS
