"""The shutdown of a service: work in progress finishes, nothing else begins."""

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
from ticketing_common.web.sessions import SECURE_COOKIE
from ticketing_dev.stack.processes import servers, services
from ticketing_dev.stack.processes.ports import free_port
from ticketing_dev.stack.processes.sendgrid_stand_in import sendgrid_stand_in
from ticketing_testing import (
    Bus,
    TestEnvironment,
    eventually,
    new_event,
    new_user,
    session_cookies,
    session_token,
)
from ticketing_testing.processes import environment_variables, run_process
from ticketing_testing.standins import StandInClient
from ticketing_testing.timeouts import TIMEOUT_SECONDS

STOP_TIMEOUT_SECONDS = 20
STOPPED = -signal.SIGTERM
"""The exit status of uvicorn after its shutdown: it repeats the signal."""
TICKET = {"title": "A seat", "price": 20}
BODY = json.dumps(TICKET).encode()


async def test_shutdown_completes_a_running_request_and_publishes_its_event(
    environment: TestEnvironment, tmp_path: Path
) -> None:
    service = services.service(
        "tickets", free_port(), tmp_path, environment_variables(environment.settings())
    )
    cookie = session_token(new_user())
    async with Bus.open(environment.nats_url, "tickets") as bus, run_process(service) as process:
        reader, writer = await asyncio.open_connection("127.0.0.1", service.port)
        head = f"POST /api/tickets HTTP/1.1\r\nHost: here\r\nCookie: {SECURE_COOKIE}={cookie}\r\n"
        head += f"Content-Type: application/json\r\nContent-Length: {len(BODY)}\r\n"
        writer.write(f"{head}Expect: 100-continue\r\n\r\n".encode())
        assert b" 100 " in await reader.readuntil(b"\r\n\r\n")  # the service waits for the body
        writer.write(BODY[:10])

        send_signal(process, signal.SIGTERM)
        await eventually(lambda: is_not_ready(service.url))
        writer.write(BODY[10:])
        response = (await reader.read()).decode()
        writer.close()
        status = await asyncio.to_thread(process.wait, STOP_TIMEOUT_SECONDS)

        assert response.startswith("HTTP/1.1 201 ")
        assert "connection: close" in response.lower()
        assert status == STOPPED
        (event,) = await bus.published(TicketCreated)
        assert event.id in response


@pytest.fixture
def sendgrid_settings(environment: TestEnvironment) -> dict[str, Any]:
    return environment.settings() | {
        "sendgrid_key": "SG.shutdown",
        "sendgrid_email": "noreply@example.com",
        "public_url": UNREACHABLE,
    }


async def test_shutdown_sends_a_mail_in_progress_once(
    environment: TestEnvironment, sendgrid_settings: dict[str, Any], tmp_path: Path
) -> None:
    sendgrid = sendgrid_stand_in(free_port(), tmp_path / "sendgrid")
    env = environment_variables(sendgrid_settings | {"sendgrid_api_base": sendgrid.url})
    service = services.service("contact", free_port(), tmp_path / "contact", env)
    stand_in = StandInClient(sendgrid.url, {"Authorization": "Bearer SG.shutdown"})
    signed_up = new_event(UserSignedUp)
    async with Bus.open(environment.nats_url, "contact") as bus, run_process(sendgrid):
        async with run_process(service) as process:
            await stand_in.add_fault("delay", seconds=2, when="after")
            await bus.publish(signed_up)
            await eventually(stand_in.all_faults_used)

            start = time.monotonic()
            send_signal(process, signal.SIGTERM)
            status = await asyncio.to_thread(process.wait, STOP_TIMEOUT_SECONDS)

            assert status == STOPPED
            assert time.monotonic() - start < STOP_TIMEOUT_SECONDS
        async with run_process(service):
            await asyncio.sleep(2)
            mails = await stand_in.get("/api/mails", to=signed_up.email)
    assert len(mails) == 1


async def test_shutdown_ends_in_time_if_the_broker_hangs(
    environment: TestEnvironment, tmp_path: Path
) -> None:
    nats = servers.nats(free_port(), tmp_path / "nats")
    env = environment_variables(environment.settings() | {"nats_url": nats.url})
    service = services.service("tickets", free_port(), tmp_path / "tickets", env)
    cookies = session_cookies(new_user())
    async with (
        run_process(nats) as broker,
        Bus.open(nats.url, "tickets") as bus,
        run_process(service) as process,
    ):
        async with (
            httpx.AsyncClient(base_url=service.url, cookies=cookies, timeout=30) as seller,
        ):
            await seller.post("/api/tickets", json=TICKET)
            await bus.published(TicketCreated)
        send_signal(broker, signal.SIGSTOP)
        try:
            async with httpx.AsyncClient(
                base_url=service.url, cookies=cookies, timeout=30
            ) as seller:
                created = await seller.post("/api/tickets", json=TICKET)
            send_signal(process, signal.SIGTERM)
            status = await asyncio.to_thread(process.wait, STOP_TIMEOUT_SECONDS)
        finally:
            send_signal(broker, signal.SIGCONT)

        assert (created.status_code, status) == (201, STOPPED)
        async with run_process(service), Bus.open(nats.url, "tickets") as bus:
            await bus.published(TicketCreated, 2)


async def is_not_ready(url: str) -> bool:
    try:
        async with httpx.AsyncClient(timeout=TIMEOUT_SECONDS) as probe:
            return (await probe.get(f"{url}/readyz")).status_code == 503
    except httpx.TransportError:
        return True


def send_signal(process: Any, number: signal.Signals) -> None:
    process._signal_group(number)
