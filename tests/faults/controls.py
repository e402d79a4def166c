"""Controls: without one of its guards, the system must fail the scenario that the guard is for.

`make controls` first runs every scenario on the intact system, which must pass it. Then it disables
each guard in turn, and prints how often the guard would have stopped something, and the violations.
The exit status is 1 if the intact system fails, if a scenario did not provoke its case, or if a
missing guard goes unnoticed.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from tests.faults.buyers import Ledger
from tests.faults.disabled_guards import GUARDS
from tests.faults.fault_run import Plan, Report, Result, wait_until_converged
from tests.faults.faulty_stack import FaultyStack, running_stack
from tests.faults.scenarios import SCENARIOS, Shop

CONVERGENCE_SECONDS = 45
"""After this time of quiet, a difference is a violation."""


@dataclass
class Control:
    """The outcome of a scenario without its guard."""

    provoked: int
    """How often the guard would have stopped something."""
    violations: list[str]

    @property
    def failure(self) -> str | None:
        """Why the control proves nothing, None if it proves that its guard is needed."""
        if self.provoked == 0:
            return "not provoked"
        return None if self.violations else "unnoticed"


async def run_scenarios(stack: FaultyStack, guards: list[str], report: Report) -> list[str]:
    """Run the scenarios of these guards and return the violations."""
    result = Result(Ledger())
    shop = Shop(stack, result.ledger, buyers=[])
    try:
        for guard in guards:
            await SCENARIOS[guard](shop)
        plan = Plan(seed=0, convergence_seconds=CONVERGENCE_SECONDS)
        await wait_until_converged(stack, plan, shop.buyers, result, report)
    finally:
        for http, _buyer in shop.buyers:
            await http.aclose()
    return result.violations


def run_without(guard: str, data: Path, report: Report) -> Control:
    """Run the scenario of a guard without that guard."""
    with running_stack(data, without=guard) as stack:
        violations = asyncio.run(run_scenarios(stack, [guard], report))
        return Control(stack.provoked, violations)


def run_intact(data: Path, report: Report) -> list[str]:
    """Run every scenario on the intact system and return the violations."""
    with running_stack(data) as stack:
        return asyncio.run(run_scenarios(stack, list(SCENARIOS), report))


def main() -> int:
    parser = argparse.ArgumentParser(prog="make controls", description=__doc__)
    parser.add_argument("--guard", action="append", choices=GUARDS, help="disable only this one")
    args = parser.parse_args()
    start = time.monotonic()

    def report(line: str) -> None:
        print(f"{time.monotonic() - start:6.1f} s  {line}", flush=True)

    failures = []
    report("with every guard")
    with tempfile.TemporaryDirectory(prefix="controls-") as data:
        for violation in run_intact(Path(data), report):
            report(f"  VIOLATION: {violation}")
            failures.append("the intact system")
    for guard in args.guard or GUARDS:
        report(f"without the {guard}")
        with tempfile.TemporaryDirectory(prefix="controls-") as data:
            control = run_without(guard, Path(data), report)
        report(f"  provoked {control.provoked} times")
        for violation in control.violations[:5]:
            report(f"  found: {violation}")
        if control.failure is not None:
            failures.append(f"{guard} ({control.failure})")
            report(f"  FAILED: {control.failure}")
    report(f"failed: {', '.join(failures)}" if failures else "every missing guard was noticed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
