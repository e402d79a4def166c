import asyncio
import time
from contextlib import AsyncExitStack
from pathlib import Path

import httpx

from ticketing_dev.stack.processes import services
from ticketing_dev.stack.processes.ports import free_port
from ticketing_testing import TestEnvironment, open_stream
from ticketing_testing.processes import environment_variables, run_process
from ticketing_testing.timeouts import TIMEOUT_SECONDS

STOPS_WITHIN_SECONDS = 15
"""What uvicorn would wait for streams that do not end."""


async def test_a_process_that_is_to_stop_ends_its_streams_and_is_gone_at_once(
    environment: TestEnvironment, tmp_path: Path
) -> None:
    env = environment_variables(environment.settings())
    service = services.service("tickets", free_port(), tmp_path / "tickets", env)
    async with (
        run_process(service) as process,
        httpx.AsyncClient(base_url=service.url, timeout=TIMEOUT_SECONDS) as http,
        AsyncExitStack() as readers,
    ):
        streams = [
            await readers.enter_async_context(open_stream(http, "/api/tickets/stream"))
            for _ in range(10)
        ]
        for stream in streams:
            assert (await stream.next_event()).name == "reset"

        began = time.monotonic()
        in_time = await asyncio.to_thread(process.stop)
        took = time.monotonic() - began

        assert in_time
        assert took < STOPS_WITHIN_SECONDS
        assert all([await stream.wait_until_closed() for stream in streams])
    assert "shutdown exceeded" not in service.log.read_text()
    print(f"stopped in {took:.2f} s")
