"""What happens between the command and its exit status: look, tell, mend, look again."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import typer
from rich.console import Console

from ticketing_common.background import background
from ticketing_common.events import utc_now
from ticketing_dev.stack import control
from ticketing_ops.audit.addresses import Addresses
from ticketing_ops.audit.auditing import Audit, audit
from ticketing_ops.audit.looking import Count, Look
from ticketing_ops.audit.mending import Mender, repairs_of
from ticketing_ops.audit.repairs import Repair
from ticketing_ops.audit.report import as_json, tell
from ticketing_ops.audit.stores import Stores, opened

TELL_EVERY_SECONDS = 0.2


class Unknown(Exception):
    """It is not said where the stores are."""


@dataclass(frozen=True)
class Wish:
    """What is asked for."""

    grace: timedelta
    span: timedelta
    """How far back Stripe's record is read."""
    repair: bool = False
    yes: bool = False
    as_json: bool = False


def addresses(data: Path | None) -> Addresses:
    """Those of the environment where it has some, else of the stack. Raises Unknown."""
    try:
        if data is None and Addresses.are_in_environment():
            return Addresses.read("audit")
        return Addresses.of_stack(control.absolute(data))
    except (SystemExit, control.Refused, ValueError) as error:
        raise Unknown(str(error)) from None


async def run(addresses: Addresses, wish: Wish) -> bool:
    """Audit, and mend if that is wished; whether there is no violation at the end. Raises Away."""
    console = Console(soft_wrap=True)
    mended: list[str] = []

    def say(done: str) -> None:
        mended.append(done)
        if not wish.as_json:
            console.print(done, highlight=False, markup=False)

    async with opened(addresses) as stores:
        found = await _look(stores, wish)
        repairs = repairs_of(found.findings) if wish.repair else []
        if repairs:
            if not wish.as_json:
                tell(found, console)
            agreed = repairs if wish.yes else [one for one in repairs if _agreed(one)]
            await Mender(stores, addresses, say).mend(agreed)
            if agreed:
                found = await _look(stores, wish)
    if wish.as_json:
        typer.echo(as_json(found, mended))
    elif not repairs or mended:
        tell(found, console)
    return not found.violations


def _agreed(repair: Repair) -> bool:
    return typer.confirm(f"{repair}?", default=False, err=True)


async def _look(stores: Stores, wish: Wish) -> Audit:
    count = Count()
    look = Look(stores, utc_now() - wish.span, wish.grace, count=count)
    async with _progress(count):
        return await audit(look)


@asynccontextmanager
async def _progress(count: Count) -> AsyncIterator[None]:
    """How far it is, on a terminal."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield
        return
    with console.status("Looking") as status:

        async def tell_on() -> None:
            while True:
                await asyncio.sleep(TELL_EVERY_SECONDS)
                status.update(f"Looked at {count.rows:,} documents, events and charges")

        async with background(tell_on()):
            yield
