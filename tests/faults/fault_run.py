"""A fault run: rounds of simulated users and faults, each followed by quiet and an audit."""

import asyncio
import random
import statistics
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import httpx
from tests.faults.buyers import Buyer, Buyers, Ledger
from tests.faults.duplicates import Duplicator
from tests.faults.faults import EXPECTED_ERRORS, FAULTS, LONG_FAULTS, end_faults
from tests.faults.faulty_stack import GRACE_SECONDS, WINDOW_SECONDS, FaultyStack

Report = Callable[[str], None]


@dataclass
class Plan:
    """The parameters. A seed fixes the random choices, but not how processes interleave."""

    seed: int
    rounds: int = 3
    seconds: float = 30
    """The length of each round."""
    buyers: int = 8
    interval: float = 2
    """Seconds between two faults, on average."""
    with_long_faults: bool = True
    only: list[str] = field(default_factory=list)
    """The faults to choose from; all if empty."""
    convergence_seconds: float = 240
    """After this time of quiet, a difference is a violation. Payments are polled with backoff."""


@dataclass
class Result:
    """The counts, convergence times and violations of a run."""

    ledger: Ledger
    faults: Counter[str] = field(default_factory=Counter)
    duplicates: int = 0
    convergence: list[float] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        """Describe the result for people."""
        counts = sorted(self.ledger.responses.items())
        responses = ", ".join(f"{count} x {status}" for status, count in counts)
        lines = [
            f"{self.ledger.operations} operations, responses {responses}; "
            f"{self.ledger.without_response} without a response",
            f"{self.faults.total()} faults, {self.duplicates} duplicated events",
            *(f"  {count:3} x {name}" for name, count in self.faults.most_common()),
        ]
        if self.convergence:
            longest, median = max(self.convergence), statistics.median(self.convergence)
            lines.append(
                f"converged after p50 {median:.1f} s, p99 {percentile(self.convergence, 99):.1f} s,"
                f" at most {longest:.1f} s of quiet, in {len(self.convergence)} rounds"
            )
        return [*lines, *(f"VIOLATION: {violation}" for violation in self.violations)]


def percentile(values: list[float], percent: int) -> float:
    return sorted(values)[min(len(values) - 1, len(values) * percent // 100)]


async def run_faults(stack: FaultyStack, plan: Plan, report: Report) -> Result:
    """Run all rounds, or until one ends in a violation."""
    dice = random.Random(plan.seed)
    result = Result(Ledger())
    for number in range(1, plan.rounds + 1):
        report(f"round {number} of {plan.rounds}: {plan.seconds:.0f} s of faults")
        buyers = await _run_round(stack, plan, dice, result, report, number)
        try:
            await wait_until_converged(stack, plan, buyers, result, report)
        finally:
            for http, _buyer in buyers:
                await http.aclose()
        if result.violations:
            break
    return result


async def _run_round(
    stack: FaultyStack, plan: Plan, dice: random.Random, result: Result, report: Report, number: int
) -> Buyers:
    buyers: Buyers = []
    for each in range(plan.buyers):
        http = httpx.AsyncClient(base_url=stack.url, timeout=15)
        name = f"buyer-{plan.seed}-{number}-{each}"
        buyers.append((http, Buyer(http, name, random.Random(dice.random()), result.ledger)))
    ended = asyncio.Event()
    duplicator = Duplicator(stack.nats_url, random.Random(dice.random()))
    duplicating = asyncio.create_task(duplicator.run())
    buying = [asyncio.create_task(buyer.run(ended)) for _, buyer in buyers]
    injecting = asyncio.create_task(_inject_faults(stack, plan, dice, result, report))
    try:
        await asyncio.sleep(plan.seconds)
        injecting.cancel()
        with suppress(asyncio.CancelledError):
            await injecting
        ended.set()
        await asyncio.gather(*buying)
    finally:
        for task in (injecting, duplicating, *buying):
            task.cancel()
        await asyncio.gather(injecting, duplicating, *buying, return_exceptions=True)
    result.duplicates += duplicator.published
    return buyers


async def _inject_faults(
    stack: FaultyStack, plan: Plan, dice: random.Random, result: Result, report: Report
) -> None:
    names = plan.only or [
        name for name in FAULTS if plan.with_long_faults or name not in LONG_FAULTS
    ]
    weights = [FAULTS[name][1] for name in names]
    running: set[asyncio.Task[None]] = set()

    async def inject(name: str) -> None:
        with suppress(*EXPECTED_ERRORS):
            await FAULTS[name][0](stack, dice)

    try:
        while True:
            await asyncio.sleep(dice.expovariate(1 / plan.interval))
            [name] = dice.choices(names, weights)
            result.faults[name] += 1
            report(f"  {name}")
            task = asyncio.create_task(inject(name))
            running.add(task)
            task.add_done_callback(running.discard)
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


async def wait_until_converged(
    stack: FaultyStack, plan: Plan, buyers: Buyers, result: Result, report: Report
) -> None:
    """End the faults, wait until an audit finds nothing, and record the violations."""
    await end_faults(stack)
    # An order that was created last may stay open for this long.
    await asyncio.sleep(WINDOW_SECONDS + GRACE_SECONDS)
    start = time.monotonic()
    while True:
        status, audit = await stack.audit()
        seconds = time.monotonic() - start
        if status == 0 or seconds > plan.convergence_seconds or result.ledger.violations:
            break
        await asyncio.sleep(1)
    result.violations += result.ledger.violations
    for _, buyer in buyers:
        try:
            result.violations += await buyer.find_violations()
        except httpx.HTTPError as error:
            result.violations.append(f"No response although no fault is left: {error!r}")
    if status == 0:
        result.convergence.append(seconds)
        report(f"  converged after {seconds:.1f} s of quiet")
    else:
        result.violations += _violations(audit)


def _violations(audit: dict[str, Any]) -> list[str]:
    violations = audit.get("violations", [])
    return [str(each) for each in violations] or [f"The audit failed: {audit}"]
