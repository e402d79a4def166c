"""A process that is told to go ends what it has begun, and begins nothing more."""

import asyncio
import json
import signal
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.listeners.services import UNREACHABLE

from ticketing_common.events import TicketCreated, UserSignedUp
from ticketing_common.web.sessions import COOKIE, Sessions
from ticketing_dev.stack.processes import servers, services
from ticketing_dev.stack.processes.ports import free_port
from ticketing_dev.stack.processes.sendgrid_stand_in import sendgrid_stand_in
from ticketing_testing import Bus, TestEnvironment, eventually, new_event, new_user
from ticketing_testing.processes import environment_variables, run_process
from ticketing_testing.standins import StandInClient
from ticketing_testing.timeouts import TIMEOUT_SECONDS

WITHIN_SECONDS = 20
ENDED = -signal.SIGTERM
"""How uvicorn ends once it is done: by the signal that it was sent."""
SEAT = {"title": "A seat", "price": 20}
OFFER = json.dumps(SEAT).encode()


async def test_a_request_that_has_begun_is_answered_and_what_it_did_is_told(
    environment: TestEnvironment, tmp_path: Path
) -> None:
    service = services.service(
        "tickets", free_port(), tmp_path, environment_variables(environment.settings())
    )
    cookie = Sessions([environment.settings()["jwt_key"]]).issue(new_user())
    async with Bus.open(environment.nats_url) as bus, run_process(service) as process:
        reader, writer = await asyncio.open_connection("127.0.0.1", service.port)
        head = f"POST /api/tickets HTTP/1.1\r\nHost: here\r\nCookie: {COOKIE}={cookie}\r\n"
        head += f"Content-Type: application/json\r\nContent-Length: {len(OFFER)}\r\n"
        writer.write(f"{head}Expect: 100-continue\r\n\r\n".encode())
        assert b" 100 " in await reader.readuntil(b"\r\n\r\n")  # it has begun, and waits for us
        writer.write(OFFER[:10])

        tell(process, signal.SIGTERM)
        await eventually(lambda: is_not_ready(service.url))
        writer.write(OFFER[10:])
        answer = (await reader.read()).decode()
        writer.close()
        status = await asyncio.to_thread(process.wait, WITHIN_SECONDS)

        assert answer.startswith("HTTP/1.1 201 ")
        assert "connection: close" in answer.lower()
        assert status == ENDED
        (told,) = await bus.published(TicketCreated)
        assert told.id in answer


@pytest.fixture
def sendgrid_settings(environment: TestEnvironment) -> dict[str, Any]:
    return environment.settings() | {
        "sendgrid_key": "SG.going",
        "sendgrid_email": "market@example.com",
        "public_url": UNREACHABLE,
    }


async def test_a_mail_that_is_being_sent_is_sent_once(
    environment: TestEnvironment, sendgrid_settings: dict[str, Any], tmp_path: Path
) -> None:
    post = sendgrid_stand_in(free_port(), tmp_path / "post")
    env = environment_variables(sendgrid_settings | {"sendgrid_api_base": post.url})
    service = services.service("contact", free_port(), tmp_path / "contact", env)
    stand_in = StandInClient(post.url, {"Authorization": "Bearer SG.going"})
    joined = new_event(UserSignedUp)
    async with Bus.open(environment.nats_url) as bus, run_process(post):
        async with run_process(service) as process:
            await stand_in.add_fault("delay", seconds=2, when="after")
            await bus.publish(joined)
            await eventually(stand_in.all_faults_used)

            began = time.monotonic()
            tell(process, signal.SIGTERM)
            status = await asyncio.to_thread(process.wait, WITHIN_SECONDS)

            assert status == ENDED
            assert time.monotonic() - began < WITHIN_SECONDS
        async with run_process(service):
            await asyncio.sleep(2)
            mails = await stand_in.get("/api/mails", to=joined.email)
    assert len(mails) == 1


async def test_a_service_goes_in_time_though_its_broker_hangs(
    environment: TestEnvironment, tmp_path: Path
) -> None:
    nats = servers.nats(free_port(), tmp_path / "nats")
    env = environment_variables(environment.settings() | {"nats_url": nats.url})
    service = services.service("tickets", free_port(), tmp_path / "tickets", env)
    cookie = Sessions([environment.settings()["jwt_key"]]).issue(new_user())
    async with run_process(nats) as broker, run_process(service) as process:
        async with (
            Bus.open(nats.url) as bus,
            httpx.AsyncClient(base_url=service.url, cookies={COOKIE: cookie}, timeout=30) as seller,
        ):
            await seller.post("/api/tickets", json=SEAT)
            await bus.published(TicketCreated)
        tell(broker, signal.SIGSTOP)
        try:
            async with httpx.AsyncClient(
                base_url=service.url, cookies={COOKIE: cookie}, timeout=30
            ) as seller:
                offered = await seller.post("/api/tickets", json=SEAT)
            tell(process, signal.SIGTERM)
            status = await asyncio.to_thread(process.wait, WITHIN_SECONDS)
        finally:
            tell(broker, signal.SIGCONT)

        assert (offered.status_code, status) == (201, ENDED)
        async with run_process(service), Bus.open(nats.url) as bus:
            await bus.published(TicketCreated, 2)


async def is_not_ready(url: str) -> bool:
    try:
        async with httpx.AsyncClient(timeout=TIMEOUT_SECONDS) as probe:
            return (await probe.get(f"{url}/readyz")).status_code == 503
    except httpx.TransportError:
        return True


def tell(process: Any, number: signal.Signals) -> None:
    process._signal_group(number)
