import asyncio
import time
from contextlib import AsyncExitStack
from pathlib import Path

import httpx

from ticketing_dev.stack.processes import services
from ticketing_dev.stack.processes.ports import free_port
from ticketing_testing import Bus, TestEnvironment, open_stream
from ticketing_testing.processes import environment_variables, run_process
from ticketing_testing.timeouts import TIMEOUT_SECONDS

MAX_SHUTDOWN_SECONDS = 15
"""uvicorn waits this long for streams that do not end."""


async def test_shutdown_ends_open_streams_at_once(
    environment: TestEnvironment, tmp_path: Path
) -> None:
    variables = environment_variables(environment.settings())
    spec = services.service("tickets", free_port(), tmp_path / "tickets", variables)
    async with (
        Bus.open(environment.nats_url, "tickets"),
        run_process(spec) as process,
        httpx.AsyncClient(base_url=spec.url, timeout=TIMEOUT_SECONDS) as client,
        AsyncExitStack() as stack,
    ):
        streams = [
            await stack.enter_async_context(open_stream(client, "/api/tickets/stream"))
            for _ in range(10)
        ]
        for stream in streams:
            assert (await stream.next_event()).name == "reset"

        started = time.monotonic()
        stopped_in_time = await asyncio.to_thread(process.stop)
        seconds = time.monotonic() - started

        assert stopped_in_time
        assert seconds < MAX_SHUTDOWN_SECONDS
        assert all([await stream.wait_until_closed() for stream in streams])
    assert "shutdown exceeded" not in spec.log.read_text()
