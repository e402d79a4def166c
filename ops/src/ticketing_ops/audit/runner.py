"""One run of `ticketing audit`: audit, report, repair, audit again."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

import typer
from rich.console import Console

from ticketing_common.background import background
from ticketing_common.events import utc_now
from ticketing_ops.audit.check_runner import AuditResult, run_checks
from ticketing_ops.audit.checks import CHECKS
from ticketing_ops.audit.repairer import Repairer, repairs_of
from ticketing_ops.audit.repairs import Repair
from ticketing_ops.audit.report import as_json, print_report
from ticketing_ops.audit.scan import Counter, Scan
from ticketing_ops.audit.stores import Stores, connected
from ticketing_ops.connections import Connections

PROGRESS_SECONDS = 0.2


@dataclass(frozen=True)
class AuditOptions:
    """The options of the command."""

    grace: timedelta
    charge_age: timedelta
    """How far back Stripe's charges are read."""
    repair: bool = False
    yes: bool = False
    as_json: bool = False


async def run(connections: Connections, options: AuditOptions) -> bool:
    """Audit, and repair if asked to. Return whether there is no violation at the end.

    Raises:
        StoreUnavailable: A store is unavailable.
    """
    console = Console(soft_wrap=True)
    repaired: list[str] = []

    def report(line: str) -> None:
        repaired.append(line)
        if not options.as_json:
            console.print(line, highlight=False, markup=False)

    async with connected(connections) as stores:
        result = await _audit(stores, options)
        repairs = repairs_of(result.findings) if options.repair else []
        if repairs:
            if not options.as_json:
                print_report(result, console)
            accepted = [repair for repair in repairs if options.yes or _confirm(repair)]
            await Repairer(stores, connections, report).run(accepted)
            if accepted:
                result = await _audit(stores, options)
    if options.as_json:
        typer.echo(as_json(result, repaired))
    elif not repairs or repaired:
        print_report(result, console)
    return not result.violations


def _confirm(repair: Repair) -> bool:
    return typer.confirm(f"{repair}?", default=False, err=True)


async def _audit(stores: Stores, options: AuditOptions) -> AuditResult:
    counter = Counter()
    scan = Scan(stores, utc_now() - options.charge_age, options.grace, counter=counter)
    async with _progress(counter):
        return await run_checks(scan, CHECKS)


@asynccontextmanager
async def _progress(counter: Counter) -> AsyncIterator[None]:
    """Show the number of rows that were read, on a terminal."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield
        return
    with console.status("Reading") as status:

        async def update() -> None:
            while True:
                await asyncio.sleep(PROGRESS_SECONDS)
                status.update(f"{counter.rows:,} documents, events and charges read")

        async with background(update()):
            yield
