"""Provisioning the bus: once, or again and again, as a stream can be lost at any time."""

import asyncio
import signal
from collections.abc import Callable

from nats.errors import Error as NatsError

from ticketing_common.messaging.provisioning import provision
from ticketing_ops.errors import CommandError
from ticketing_ops.events.connection import connected
from ticketing_ops.subscriptions import consumed_events

WATCH_SECONDS = 5
"""How often the provisioner checks all streams and consumers."""


async def provision_bus(url: str, replicas: int | None = None) -> list[str]:
    """Create and update all streams and consumers. Returns a line for each change.

    Raises: CommandError, NatsError, OSError.
    """
    async with connected(url) as js:
        return await provision(js, consumed_events(), replicas=replicas)


async def watch_bus(url: str, replicas: int | None, report: Callable[[str], object]) -> None:
    """Provision every few seconds, until SIGTERM. Reports each change, and each new problem."""
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    reported = ""
    while not stopped.is_set():
        problem = ""
        try:
            for change in await provision_bus(url, replicas):
                report(change)
        except (CommandError, NatsError, OSError) as error:
            problem = str(error) or type(error).__name__
        if problem != reported:
            report(problem or "NATS is available again.")
        reported = problem
        try:
            async with asyncio.timeout(WATCH_SECONDS):
                await stopped.wait()
        except TimeoutError:
            pass
