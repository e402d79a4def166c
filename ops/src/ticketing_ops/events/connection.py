"""Where the bus is, and how a command gets there."""

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

from ticketing_dev.stack import control
from ticketing_dev.stack.control import Refused
from ticketing_dev.stack.keys import Keys

T = TypeVar("T")

CONNECT_SECONDS = 5


def address(nats: str | None, data: Path | None) -> str:
    """The given URL, else that of the local stack. Raises Refused where there is neither."""
    if nats:
        return nats
    folder = control.absolute(data)
    parts = folder.state.parts if folder.state and control.is_up(folder) else []
    for part in parts:
        if part.name == "nats":
            password = Keys.kept_in(folder.keys).nats_password("operator")
            return f"nats://operator:{password}@{part.address}"
    raise Refused(
        f"No stack runs on {folder.path}. `ticketing up` starts one; "
        "--nats or NATS_URL names another bus."
    )


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[JetStreamContext]:
    """JetStream at the URL, reconnected whenever it goes. Raises Refused where none answers."""
    where = _place(url)
    client = Client()
    troubles: list[Exception] = []

    async def note(trouble: Exception) -> None:
        """A bus that goes away for a moment is waited for; only the last trouble may be told."""
        troubles[:] = [trouble]

    try:
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await client.connect(
                    url,
                    name="ticketing",
                    connect_timeout=2,
                    reconnect_time_wait=1,
                    max_reconnect_attempts=-1,
                    error_cb=note,
                    # the answer to CONNECT is read before a PING is sent: sent to a bus that has
                    # just refused us, it would be answered by a reset, and the refusal be lost
                    verbose=True,
                )
        except (NatsError, OSError) as error:
            trouble = troubles[-1] if troubles else error
            if "authorization" in str(trouble).lower():
                raise Refused(
                    f"NATS at {where} does not let us in: look at the password in its URL"
                ) from None
            raise Refused(f"No NATS answers at {where}: {trouble!r}") from None
        yield client.jetstream()
    finally:
        await client.close()


def _place(url: str) -> str:
    """Host and port, without a password that the URL may have. Raises Refused where it is none."""
    with suppress(ValueError):
        parts = urlsplit(url)
        if parts.scheme in ("nats", "tls") and parts.hostname:
            return f"{parts.hostname}:{parts.port or 4222}"
    raise Refused("That is no address of a NATS: write nats://HOST:4222")


def at_the_bus(
    nats: str | None, data: Path | None, work: Callable[[JetStreamContext], Awaitable[T]]
) -> T:
    """Do a command's work; what is in its way is told in words, with exit status 1."""

    async def working() -> T:
        async with connected(address(nats, data)) as js:
            return await work(js)

    try:
        return asyncio.run(working())
    except BrokenPipeError:  # whoever read what we say has gone, as head does; typer knows that
        raise
    except (Refused, NatsError, OSError) as error:
        words = str(error) if isinstance(error, Refused) else f"The bus does not answer: {error!r}"
        typer.secho(words, fg="red", err=True)
    except KeyboardInterrupt:
        raise typer.Exit from None
    raise typer.Exit(1)
