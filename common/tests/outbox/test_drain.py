"""Publishing at the shutdown, within its time."""

import asyncio
import os
import signal
from pathlib import Path

import pytest
from common.tests.outbox.changes import make, uncommunicated
from common.tests.sample_service import CreateApp, SampleListeners, create_sample_service

from ticketing_common.events import TicketCreated
from ticketing_common.messaging import broker as broker_module
from ticketing_common.messaging import relay as relay_module
from ticketing_common.settings import SessionSettings
from ticketing_dev.stack.processes import servers
from ticketing_dev.stack.processes.ports import free_port
from ticketing_dev.stack.supervision.process import running
from ticketing_testing import Bus, TestEnvironment, serve_app


async def test_drain_publishes_the_outbox(
    environment: TestEnvironment, create_app: CreateApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay_module, "SWEEP_SECONDS", 60)
    async with Bus.open(environment.nats_url) as bus:
        async with serve_app(create_app(), bus):
            with uncommunicated(monkeypatch):
                await asyncio.gather(*(make() for _ in range(20)))
        assert len(await bus.published(TicketCreated, 20)) == 20


@pytest.mark.usefixtures("ignore_broken_connections")
async def test_drain_ends_in_time_while_the_broker_does_not_answer(
    environment: TestEnvironment,
    sample: SampleListeners,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    drained: list[float] = []
    drain = broker_module.Broker._drain

    async def timed_drain(*arguments: object) -> None:
        begin = asyncio.get_running_loop().time()
        await drain(*arguments)  # type: ignore[arg-type]
        drained.append(asyncio.get_running_loop().time() - begin)

    monkeypatch.setattr(broker_module.Broker, "_drain", timed_drain)
    with running(servers.nats(free_port(), tmp_path)) as nats:
        settings = SessionSettings(**(environment.settings() | {"nats_url": nats.spec.url}))
        app = create_sample_service(settings, sample.listeners)
        assert nats.pid is not None
        async with Bus.open(nats.spec.url) as bus:
            try:
                async with serve_app(app, bus):
                    os.killpg(nats.pid, signal.SIGSTOP)
                    await asyncio.gather(*(make() for _ in range(20)))
            finally:
                os.killpg(nats.pid, signal.SIGCONT)
        # Far below the time of a publish for each event, with time for a busy machine.
        assert drained[0] < 2 * broker_module.DRAIN_TIMEOUT_SECONDS

        async with (
            Bus.open(nats.spec.url) as bus,
            serve_app(create_sample_service(settings, sample.listeners), bus),
        ):
            assert len(await bus.published(TicketCreated, 20)) == 20
