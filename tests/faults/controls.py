"""With a guard taken away, the same suite must find what that guard prevents.

`make controls` takes each away in turn and says what was found; exit status 1 if something was not.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from tests.faults.disabled_guards import GUARDS
from tests.faults.fault_run import Outcome, Plan, Say, perform
from tests.faults.faulty_stack import running_stage

SEED = 1
WHAT_PROVOKES = {
    "reservation": [],
    "version check": ["a stream is held back", "a service is killed"],
    "inbox": ["a service is killed"],
    "relay's sweep": ["nats is killed", "both replicas are killed"],
    "idempotency key": [],
    "refund of a late payment": ["a stream is held back", "stripe is slow"],
    "payments' word": ["a stream is held back"],
}
"""The faults that the guard is for; none where shoppers do."""


@dataclass
class Control:
    guard: str
    outcome: Outcome

    @property
    def was_missed(self) -> bool:
        """Whether the suite noticed that the guard was gone."""
        return bool(self.outcome.violations)


def control(guard: str, data: Path, say: Say, *, rounds: int = 3) -> Control:
    """Perform without the guard, until its absence is noticed."""
    provoking = WHAT_PROVOKES[guard] or ["stripe is slow"]
    plan = Plan(SEED, rounds, seconds=20, shoppers=10, pause=1.5, only=provoking, patience=90)
    with running_stage(data, without=guard) as stage:
        return Control(guard, asyncio.run(perform(stage, plan, say)))


def main() -> int:
    parser = argparse.ArgumentParser(prog="make controls", description=__doc__)
    parser.add_argument("--guard", action="append", choices=GUARDS, help="take away this one alone")
    asked = parser.parse_args()
    began = time.monotonic()

    def say(line: str) -> None:
        print(f"{time.monotonic() - began:6.1f} s  {line}", flush=True)

    unnoticed = []
    for guard in asked.guard or GUARDS:
        say(f"without the {guard}")
        with tempfile.TemporaryDirectory(prefix="controls-") as data:
            done = control(guard, Path(data), say)
        for violation in done.outcome.violations[:5]:
            say(f"  found: {violation}")
        if not done.was_missed:
            unnoticed.append(guard)
            say("  nobody noticed")
    say(f"unnoticed: {', '.join(unnoticed)}" if unnoticed else "every guard was missed")
    return 1 if unnoticed else 0


if __name__ == "__main__":
    sys.exit(main())
