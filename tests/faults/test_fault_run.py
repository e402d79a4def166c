"""A bounded part of `make faults`: some trouble, then all that was promised holds."""

import asyncio
from pathlib import Path

import pytest
from tests.faults.controls import WHAT_PROVOKES
from tests.faults.disabled_guards import GUARDS
from tests.faults.fault_run import Plan, perform
from tests.faults.faults import FAULTS, LONG
from tests.faults.faulty_stack import SERVICES, running_stage

pytestmark = pytest.mark.xdist_group("market")


@pytest.mark.timeout(600)
@pytest.mark.usefixtures("ignore_broken_connections")
def test_after_a_quarter_of_a_minute_of_trouble_all_that_always_holds_does_hold(
    tmp_path: Path,
) -> None:
    # The same dice every time: `make faults` throws others.
    plan = Plan(seed=1, rounds=1, seconds=15, shoppers=4, long_ones=False)
    with running_stage(tmp_path) as stage:
        outcome = asyncio.run(perform(stage, plan, print))

    assert outcome.violations == [], f"seed {plan.seed}: {outcome.lines()}"
    assert outcome.faults.total() > 0
    assert outcome.ledger.operations > 20


def test_every_guard_has_faults_that_provoke_what_it_prevents() -> None:
    assert WHAT_PROVOKES.keys() == GUARDS.keys()
    assert {fault for faults in WHAT_PROVOKES.values() for fault in faults} <= FAULTS.keys()
    assert all(set(services) <= set(SERVICES) for _, services in GUARDS.values())
    assert FAULTS.keys() > LONG
