"""Processes that run beside a test."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from ticketing_dev.stack.processes.spec import ProcessSpec
from ticketing_dev.stack.supervision.process import Process


def environment_variables(settings: Mapping[str, object]) -> dict[str, str]:
    """Return the variables from which a service reads these settings."""
    return {name.upper(): str(value) for name, value in settings.items()}


@asynccontextmanager
async def run_process(spec: ProcessSpec) -> AsyncIterator[Process]:
    """Run a process for the block. Its start and stop do not block the event loop."""
    process = Process(spec)
    await asyncio.to_thread(process.start)
    try:
        yield process
    finally:
        await asyncio.to_thread(process.stop)
