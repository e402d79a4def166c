"""Processes follow the ended sessions on the bus, and serve without it."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import httpx
from common.tests.sample_service import SampleListeners, create_sample_service
from fastapi import FastAPI

from ticketing_common.events import UserSessionEnded, utc_now
from ticketing_common.sessions.tokens import Session, SessionUser, TokenSigner
from ticketing_common.settings import SessionSettings
from ticketing_dev.stack.processes import servers
from ticketing_dev.stack.processes.ports import free_port
from ticketing_dev.stack.supervision.process import Process
from ticketing_testing import (
    Bus,
    RunningService,
    TestEnvironment,
    eventually,
    new_event,
    new_session,
    new_user,
    next_millisecond,
    serve_app,
)
from ticketing_testing.factories import SESSION_KEY

NOT_SIGNED_IN = {"errors": [{"code": "not_signed_in", "message": "Not authorized"}]}


def end_of_all(user: SessionUser) -> UserSessionEnded:
    return new_event(UserSessionEnded, id=user.id, sid=None, ended_at=next_millisecond())


def end_of(session: Session) -> UserSessionEnded:
    return new_event(
        UserSessionEnded, id=session.user.id, sid=session.id, ended_at=next_millisecond()
    )


async def client_of(service: RunningService, session: Session) -> httpx.AsyncClient:
    client = await service.client()
    client.cookies.set(service.app.state.sessions.cookie, TokenSigner(SESSION_KEY).sign(session))
    return client


async def post(client: httpx.AsyncClient) -> int:
    return (await client.post("/api/items", json={"title": "a"})).status_code


def has_status(client: httpx.AsyncClient, status: int) -> Callable[[], Awaitable[bool]]:
    async def check() -> bool:
        return await post(client) == status

    return check


async def test_ended_session_is_refused_within_a_second(served: RunningService) -> None:
    user = new_user()
    ended, another = new_session(user), new_session(user)
    clients = [await client_of(served, session) for session in (ended, another)]
    assert [await post(client) for client in clients] == [201, 201]

    await served.bus.publish(end_of(ended))
    await asyncio.sleep(1)

    refused = await clients[0].post("/api/items", json={"title": "a"})
    assert (refused.status_code, refused.json()) == (401, NOT_SIGNED_IN)
    assert await post(clients[1]) == 201


async def test_every_replica_refuses_all_sessions_of_the_user(
    environment: TestEnvironment, sample: SampleListeners, create_app: Callable[[], FastAPI]
) -> None:
    user = new_user()
    async with environment.serve(create_app()) as one, environment.serve(create_app()) as two:
        clients = [await replica.client(user) for replica in (one, two)]
        other = await one.client(new_user())
        assert [await post(client) for client in clients] == [201, 201]

        await one.bus.publish(end_of_all(user))

        for client in clients:
            assert await eventually(has_status(client, 401))
        assert await post(other) == 201
        assert await post(await two.client(user)) == 201


async def test_restarted_process_knows_the_ended_sessions(
    environment: TestEnvironment, create_app: Callable[[], FastAPI]
) -> None:
    ended = new_session(new_user(), age=timedelta(hours=2))
    async with Bus.open(environment.nats_url) as bus:
        await bus.publish(end_of(ended))

    async with environment.serve(create_app()) as service:
        assert await post(await client_of(service, ended)) == 401


async def test_invalid_event_does_not_stop_the_follower(served: RunningService) -> None:
    user = new_user()
    client = await served.client(user)

    await served.bus.publish_raw(UserSessionEnded, b"{")
    await served.bus.publish(end_of_all(user))

    assert await eventually(has_status(client, 401))


async def test_process_is_ready_once_it_has_read_the_ended_sessions(
    environment: TestEnvironment, tmp_path: Path, ignore_broken_connections: None
) -> None:
    """A process that starts without a bus refuses no one and admits no one."""
    process = Process(servers.nats(free_port(), tmp_path))
    apart = TestEnvironment(environment.mongo_uri, process.spec.url, environment.redis_url)
    app = create_sample_service(SessionSettings(**apart.settings()), SampleListeners().listeners)
    try:
        async with serve_app(app) as service:
            client = await service.client(new_user())
            assert (await client.get("/readyz")).status_code == 503
            assert (await client.get("/healthz")).status_code == 200
            refused = await client.post("/api/items", json={"title": "a"})
            assert refused.status_code == 503
            assert int(refused.headers["Retry-After"]) > 0

            await asyncio.to_thread(process.start)
            async with Bus.open(process.spec.url):
                pass  # creates the streams

            assert await eventually(has_status(client, 201))
            assert (await client.get("/readyz")).status_code == 200
    finally:
        await asyncio.to_thread(process.stop)


async def test_process_serves_while_the_bus_hangs_and_learns_afterwards(
    environment: TestEnvironment, tmp_path: Path, ignore_broken_connections: None
) -> None:
    process = Process(servers.nats(free_port(), tmp_path))
    await asyncio.to_thread(process.start)
    apart = TestEnvironment(environment.mongo_uri, process.spec.url, environment.redis_url)
    app = create_sample_service(SessionSettings(**apart.settings()), SampleListeners().listeners)
    try:
        async with apart.serve(app) as service:
            known, unknown = new_user(), new_user()
            clients = {each.id: await service.client(each) for each in (known, unknown)}
            await service.bus.publish(end_of_all(known))
            assert await eventually(has_status(clients[known.id], 401))
            pid = process.pid
            assert pid is not None
            os.kill(pid, signal.SIGSTOP)
            publishing = asyncio.create_task(service.bus.publish(end_of_all(unknown)))

            # Known ends stay valid, and an end that it cannot know has no effect yet.
            for _ in range(3):
                assert await post(clients[known.id]) == 401
                assert await post(clients[unknown.id]) == 201
            assert (await clients[unknown.id].get("/readyz")).status_code == 200

            os.kill(pid, signal.SIGCONT)
            await publishing
            assert await eventually(has_status(clients[unknown.id], 401))
            assert await post(clients[known.id]) == 401
    finally:
        await asyncio.to_thread(process.stop)


async def test_ended_session_lives_no_longer_than_its_token(served: RunningService) -> None:
    """Of a session whose end the process never learns, the token ends the session."""
    now = utc_now()
    expired = Session(
        new_user(),
        new_session(new_user()).id,
        now - timedelta(days=2),
        now - timedelta(hours=25),
        now - timedelta(hours=1),
    )

    assert await post(await client_of(served, expired)) == 401
