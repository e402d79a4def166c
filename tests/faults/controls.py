"""Controls: without one of its guards, the system must fail the fault run.

`make controls` disables each guard in turn and prints the violations. Its exit status is 1 if
a run without a guard finds nothing.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from pathlib import Path

from tests.faults.disabled_guards import GUARDS
from tests.faults.fault_run import Plan, Report, Result, run_faults
from tests.faults.faulty_stack import running_stack

SEED = 1
PROVOKING_FAULTS = {
    "reservation": [],
    "version check": ["a consumer is paused", "a service is killed"],
    "inbox": ["a service is killed"],
    "relay sweep": ["nats is killed", "both replicas are killed"],
    "idempotency key": [],
    "refund of a late payment": ["a consumer is paused", "stripe is slow"],
    "payment check": ["a consumer is paused"],
}
"""By guard, the faults it protects from; none where simulated users suffice."""


def run_without(guard: str, data: Path, report: Report, *, rounds: int = 3) -> Result:
    """Run faults without the guard until a violation is found."""
    plan = Plan(
        SEED,
        rounds,
        seconds=20,
        buyers=10,
        interval=1.5,
        only=PROVOKING_FAULTS[guard] or ["stripe is slow"],
        convergence_seconds=90,
    )
    with running_stack(data, without=guard) as stack:
        return asyncio.run(run_faults(stack, plan, report))


def main() -> int:
    parser = argparse.ArgumentParser(prog="make controls", description=__doc__)
    parser.add_argument("--guard", action="append", choices=GUARDS, help="disable only this one")
    args = parser.parse_args()
    start = time.monotonic()

    def report(line: str) -> None:
        print(f"{time.monotonic() - start:6.1f} s  {line}", flush=True)

    unnoticed = []
    for guard in args.guard or GUARDS:
        report(f"without the {guard}")
        with tempfile.TemporaryDirectory(prefix="controls-") as data:
            result = run_without(guard, Path(data), report)
        for violation in result.violations[:5]:
            report(f"  found: {violation}")
        if not result.violations:
            unnoticed.append(guard)
            report("  found nothing")
    report(f"unnoticed: {', '.join(unnoticed)}" if unnoticed else "every missing guard was noticed")
    return 1 if unnoticed else 0


if __name__ == "__main__":
    sys.exit(main())
