"""Run faults against a stack of its own and audit it. The exit status is 1 after a violation."""

import argparse
import asyncio
import secrets
import sys
import tempfile
import time
from pathlib import Path

from tests.faults.fault_run import Plan, run_faults
from tests.faults.faults import FAULTS
from tests.faults.faulty_stack import running_stack


def main() -> int:
    parser = argparse.ArgumentParser(prog="make faults", description=__doc__)
    parser.add_argument("--seed", type=int, default=None, help="repeat an earlier run's choices")
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--seconds", type=float, default=40, help="length of each round")
    parser.add_argument("--buyers", type=int, default=8, help="number of simulated users")
    parser.add_argument("--only", action="append", choices=FAULTS, help="inject only this fault")
    parser.add_argument("--keep", type=Path, help="keep the stack's data and logs in this folder")
    args = parser.parse_args()
    seed = secrets.randbelow(10**6) if args.seed is None else args.seed
    plan = Plan(seed, args.rounds, args.seconds, args.buyers, only=args.only or [])
    start = time.monotonic()

    def report(line: str) -> None:
        print(f"{time.monotonic() - start:6.1f} s  {line}", flush=True)

    report(f"seed {seed}")
    with tempfile.TemporaryDirectory(prefix="faults-") as temporary:
        data = args.keep or Path(temporary)
        with running_stack(data) as stack:
            report(f"the stack is ready at {stack.url}")
            result = asyncio.run(run_faults(stack, plan, report))
    for line in result.lines():
        report(line)
    report(f"seed {seed}: {'VIOLATED' if result.violations else 'no violation'}")
    return 1 if result.violations else 0


if __name__ == "__main__":
    sys.exit(main())
