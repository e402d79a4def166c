"""One performance: shoppers and faults for a while, then quiet, then the audit; several rounds."""

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
from tests.faults.buyers import Ledger, Shopper
from tests.faults.duplicates import Echo
from tests.faults.faults import FAULTS, LONG, MAY_FAIL, heal
from tests.faults.faulty_stack import GRACE_SECONDS, WINDOW_SECONDS, Stage

Say = Callable[[str], None]


@dataclass
class Plan:
    """What is to happen. The same seed throws the same dice; the interleaving is the machine's."""

    seed: int
    rounds: int = 3
    seconds: float = 30
    shoppers: int = 8
    pause: float = 2
    """Between two faults, on average."""
    long_ones: bool = True
    only: list[str] = field(default_factory=list)
    patience: float = 240
    """Seconds until a difference counts. Payments are looked at again after pauses that double."""


@dataclass
class Outcome:
    """What came of it."""

    ledger: Ledger
    faults: Counter[str] = field(default_factory=Counter)
    echoes: int = 0
    converged: list[float] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        answered = ", ".join(f"{n} x {code}" for code, n in sorted(self.ledger.answered.items()))
        lines = [
            f"{self.ledger.operations} operations, answered {answered}; "
            f"{self.ledger.unanswered} without an answer",
            f"{self.faults.total()} faults, {self.echoes} events said twice",
            *(f"  {count:3} x {name}" for name, count in self.faults.most_common()),
        ]
        if self.converged:
            worst, middle = max(self.converged), statistics.median(self.converged)
            lines.append(
                f"converged after p50 {middle:.1f} s, p99 {percentile(self.converged, 99):.1f} s, "
                f"at most {worst:.1f} s of quiet, in {len(self.converged)} rounds"
            )
        return [*lines, *(f"VIOLATION: {violation}" for violation in self.violations)]


def percentile(values: list[float], percent: int) -> float:
    return sorted(values)[min(len(values) - 1, len(values) * percent // 100)]


async def perform(stage: Stage, plan: Plan, say: Say) -> Outcome:
    """Rounds of trouble and quiet, until one ends in a violation or all are done."""
    dice = random.Random(plan.seed)
    outcome = Outcome(Ledger())
    for number in range(1, plan.rounds + 1):
        say(f"round {number} of {plan.rounds}: {plan.seconds:.0f} s of trouble")
        people = await _trouble(stage, plan, dice, outcome, say, number)
        try:
            await _quiet(stage, plan, people, outcome, say)
        finally:
            for browser, _person in people:
                await browser.aclose()
        if outcome.violations:
            break
    return outcome


People = list[tuple[httpx.AsyncClient, Shopper]]


async def _trouble(
    stage: Stage, plan: Plan, dice: random.Random, outcome: Outcome, say: Say, number: int
) -> People:
    people: People = []
    for each in range(plan.shoppers):
        browser = httpx.AsyncClient(base_url=stage.url, timeout=15)
        name = f"shopper-{plan.seed}-{number}-{each}"
        own_dice = random.Random(dice.random())
        people.append((browser, Shopper(browser, name, own_dice, outcome.ledger)))
    enough = asyncio.Event()
    echo = Echo(stage.nats_url, random.Random(dice.random()))
    echoing = asyncio.create_task(echo.run())
    shopping = [asyncio.create_task(person.shop(enough)) for _, person in people]
    striking = asyncio.create_task(_strike(stage, plan, dice, outcome, say))
    try:
        await asyncio.sleep(plan.seconds)
        striking.cancel()
        with suppress(asyncio.CancelledError):
            await striking
        enough.set()
        await asyncio.gather(*shopping)
    finally:
        for task in (striking, echoing, *shopping):
            task.cancel()
        await asyncio.gather(striking, echoing, *shopping, return_exceptions=True)
    outcome.echoes += echo.said
    return people


async def _strike(
    stage: Stage, plan: Plan, dice: random.Random, outcome: Outcome, say: Say
) -> None:
    names = plan.only or [name for name in FAULTS if plan.long_ones or name not in LONG]
    weights = [FAULTS[name][1] for name in names]
    going_on: set[asyncio.Task[None]] = set()

    async def strike(name: str) -> None:
        with suppress(*MAY_FAIL):
            await FAULTS[name][0](stage, dice)

    try:
        while True:
            await asyncio.sleep(dice.expovariate(1 / plan.pause))
            [name] = dice.choices(names, weights)
            outcome.faults[name] += 1
            say(f"  {name}")
            task = asyncio.create_task(strike(name))
            going_on.add(task)
            task.add_done_callback(going_on.discard)
    finally:
        for task in going_on:
            task.cancel()
        await asyncio.gather(*going_on, return_exceptions=True)


async def _quiet(stage: Stage, plan: Plan, people: People, outcome: Outcome, say: Say) -> None:
    """Nothing goes wrong and nobody shops: how long until all is as it should be?"""
    await heal(stage)
    # An order that was placed last may live so long by right.
    await asyncio.sleep(WINDOW_SECONDS + GRACE_SECONDS)
    began = time.monotonic()
    while True:
        status, found = await stage.audit()
        took = time.monotonic() - began
        if status == 0 or took > plan.patience or outcome.ledger.broken:
            break
        await asyncio.sleep(1)
    outcome.violations += outcome.ledger.broken
    for _, person in people:
        try:
            outcome.violations += await person.broken_promises()
        except httpx.HTTPError as error:
            outcome.violations.append(f"nobody answers though all is quiet: {error!r}")
    if status == 0:
        outcome.converged.append(took)
        say(f"  quiet: converged after {took:.1f} s")
    else:
        outcome.violations += _told(found)


def _told(found: dict[str, Any]) -> list[str]:
    violations = found.get("violations", [])
    return [str(each) for each in violations] or [f"the audit could not look: {found}"]
