"""Connecting a command to NATS."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

import typer
from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.js import JetStreamContext

from ticketing_ops.connections import BusConnection, inbox_prefix
from ticketing_ops.errors import CommandError, exit_on_error

T = TypeVar("T")

CONNECT_SECONDS = 5


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[JetStreamContext]:
    """Connect to JetStream, and reconnect whenever the connection is lost.

    Raises:
        CommandError: No NATS server is reachable at the URL, it refuses the user, or the user has
            no permission for a request of the block.
    """
    address = _address(url)
    client = Client()
    errors: list[Exception] = []

    async def keep_last(error: Exception) -> None:
        errors[:] = [error]

    try:
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await client.connect(
                    url,
                    name="ticketing",
                    inbox_prefix=inbox_prefix(url),
                    connect_timeout=2,
                    reconnect_time_wait=1,
                    max_reconnect_attempts=-1,
                    error_cb=keep_last,
                    # With it the client reads the reply to CONNECT before it sends a PING. A server
                    # that has refused the user resets the connection on a PING, and the refusal
                    # would be lost.
                    verbose=True,
                )
        except (NatsError, OSError) as error:
            cause = errors[-1] if errors else error
            if "authorization" in str(cause).lower():
                raise CommandError(
                    f"NATS at {address} refuses the user or the password of its URL."
                ) from None
            raise CommandError(
                f"No NATS server is reachable at {address}: {_reason(cause)}. Check that it runs, "
                "and the address in NATS_URL or --nats."
            ) from None
        try:
            yield client.jetstream()
        except (NatsError, OSError):
            # The refused request gets no response and times out.
            if errors and "permissions violation" in str(errors[-1]).lower():
                raise CommandError(
                    f"NATS at {address} does not permit this: {_reason(errors[-1])}. "
                    "Use the NATS user `operator`."
                ) from None
            raise
    finally:
        await client.close()


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no response in time"
    return str(error) or type(error).__name__


def _address(url: str) -> str:
    """Return host and port without credentials. Raises CommandError."""
    with suppress(ValueError):
        parts = urlsplit(url)
        if parts.scheme in ("nats", "tls") and parts.hostname:
            return f"{parts.hostname}:{parts.port or 4222}"
    raise CommandError("Invalid address of a NATS server. Write nats://HOST:4222.")


def run_on_bus(
    nats: str | None, data: Path | None, work: Callable[[JetStreamContext], Awaitable[T]]
) -> T:
    """Run a command's work on the configured bus, and exit with status 1 if it fails."""

    async def connect_and_work() -> T:
        async with connected(nats or BusConnection.load(data).nats_url) as js:
            return await work(js)

    with exit_on_error():
        try:
            return asyncio.run(connect_and_work())
        except BrokenPipeError:  # the reader of the output has ended, as `head` does
            raise
        except (NatsError, OSError) as error:
            raise CommandError(f"NATS failed: {_reason(error)}") from None
        except KeyboardInterrupt:
            raise typer.Exit from None
