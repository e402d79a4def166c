"""`ticketing streams provision`."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager

import nats
import pytest
from nats.js import JetStreamContext
from nats.js.errors import NotFoundError
from typer.testing import CliRunner, Result

from ticketing_common.messaging.streams import consumers, streams
from ticketing_dev.stack.processes import servers
from ticketing_dev.stack.processes.ports import free_port
from ticketing_dev.stack.processes.servers import AUDIT, OPERATOR, PROVISIONER, Nats
from ticketing_dev.stack.supervision.process import running
from ticketing_dev.tools.events.service_listeners import service_listeners
from ticketing_ops.cli import app
from ticketing_testing.timeouts import TIMEOUT_SECONDS

LISTENERS = {listeners.service: listeners for listeners in service_listeners()}

Provision = Callable[..., Awaitable[Result]]


@pytest.fixture
def bus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nats]:
    """A NATS server with the users of a cluster, and without any stream."""
    passwords = {user: f"p{user}" for user in (OPERATOR, PROVISIONER, AUDIT, *LISTENERS)}
    spec = servers.nats(free_port(), tmp_path_factory.mktemp("nats"), passwords=passwords)
    with running(spec):
        yield spec


@pytest.fixture
def run_provision(bus: Nats) -> Provision:
    """A function that runs the command as a user of NATS."""

    async def run(*arguments: str, user: str = PROVISIONER) -> Result:
        command = ["streams", "provision", "--nats", bus.url_of(user), *arguments]
        return await asyncio.to_thread(CliRunner().invoke, app, command, env={"COLUMNS": "200"})

    return run


@asynccontextmanager
async def connected(bus: Nats, user: str) -> AsyncIterator[JetStreamContext]:
    client = await nats.connect(bus.url_of(user), inbox_prefix=f"_INBOX.{user}")
    try:
        yield client.jetstream(timeout=TIMEOUT_SECONDS)
    finally:
        await client.close()


async def test_provision_creates_what_the_services_use(bus: Nats, run_provision: Provision) -> None:
    result = await run_provision()

    assert result.exit_code == 0, result.output
    expected = [f"created stream {config.name}" for config in streams()]
    expected += [
        f"created consumer {service} of {stream}"
        for service, listeners in LISTENERS.items()
        for stream in consumers(listeners)
    ]
    assert sorted(result.stdout.splitlines()) == sorted(expected)


async def test_provision_creates_only_what_is_missing(bus: Nats, run_provision: Provision) -> None:
    await run_provision()
    assert (await run_provision()).stdout == "All streams and consumers exist.\n"
    async with connected(bus, OPERATOR) as js:
        await js.delete_stream("EXPIRATION")
        await js.delete_consumer("ORDER", "tickets")
        config = (await js.stream_info("PAYMENT")).config
        await js.update_stream(config.evolve(max_age=3600))

        result = await run_provision()

        assert sorted(result.stdout.splitlines()) == [
            "created consumer orders of EXPIRATION",
            "created consumer tickets of ORDER",
            "created stream EXPIRATION",
            "updated stream PAYMENT",
        ]
        assert await js.consumer_info("EXPIRATION", "orders")


async def test_provision_needs_the_right_user(bus: Nats, run_provision: Provision) -> None:
    result = await run_provision(user=AUDIT)

    assert result.exit_code == 1
    assert "Use the NATS user `operator`" in result.stderr
    async with connected(bus, OPERATOR) as js:
        with pytest.raises(NotFoundError):
            await js.stream_info("ORDER")


async def test_provision_keeps_the_number_of_replicas(bus: Nats, run_provision: Provision) -> None:
    """A single server refuses three replicas, so the request shows the number."""
    await run_provision()

    result = await run_provision("--replicas", "3")

    assert result.exit_code == 1
    assert "replicas" in result.stderr
    async with connected(bus, OPERATOR) as js:
        assert (await js.stream_info("ORDER")).config.num_replicas == 1


async def test_watch_provisions_whenever_something_is_missing(bus: Nats) -> None:
    command = [sys.executable, "-m", "ticketing_ops", "streams", "provision", "--watch"]
    process = await asyncio.create_subprocess_exec(
        *command, "--nats", bus.url_of(PROVISIONER), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS), connected(bus, OPERATOR) as js:
            for _ in range(len(streams()) + sum(len(consumers(one)) for one in LISTENERS.values())):
                assert (await process.stdout.readline()).startswith(b"created ")
            await js.delete_stream("PAYMENT")
            while b"created stream PAYMENT" not in await process.stdout.readline():
                pass
            while b"created consumer orders of PAYMENT" not in await process.stdout.readline():
                pass
            assert await js.consumer_info("PAYMENT", "orders")
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), TIMEOUT_SECONDS) == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
