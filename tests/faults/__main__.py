"""`make faults`: the real stack under every fault, told as it goes. Exit status 1: a violation."""

import argparse
import asyncio
import secrets
import sys
import tempfile
import time
from pathlib import Path

from tests.faults.fault_run import Plan, perform
from tests.faults.faults import FAULTS
from tests.faults.faulty_stack import running_stage


def main() -> int:
    parser = argparse.ArgumentParser(prog="make faults", description=__doc__)
    parser.add_argument("--seed", type=int, default=None, help="throw the dice of an earlier run")
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--seconds", type=float, default=40, help="of trouble in each round")
    parser.add_argument("--shoppers", type=int, default=8)
    parser.add_argument("--only", action="append", choices=FAULTS, help="this fault alone")
    parser.add_argument("--keep", type=Path, help="leave the stack's data and logs here")
    asked = parser.parse_args()
    seed = secrets.randbelow(10**6) if asked.seed is None else asked.seed
    plan = Plan(seed, asked.rounds, asked.seconds, asked.shoppers, only=asked.only or [])
    began = time.monotonic()

    def say(line: str) -> None:
        print(f"{time.monotonic() - began:6.1f} s  {line}", flush=True)

    say(f"seed {seed}")
    with tempfile.TemporaryDirectory(prefix="faults-") as made:
        data = asked.keep or Path(made)
        with running_stage(data) as stage:
            say(f"the market is up at {stage.url}")
            outcome = asyncio.run(perform(stage, plan, say))
    for line in outcome.lines():
        say(line)
    say(f"seed {seed}: {'VIOLATED' if outcome.violations else 'no violation'}")
    return 1 if outcome.violations else 0


if __name__ == "__main__":
    sys.exit(main())
