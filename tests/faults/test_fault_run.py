"""A short fault run. `make faults` runs longer ones with random seeds."""

import asyncio
from pathlib import Path

import pytest
from tests.faults.controls import Control
from tests.faults.disabled_guards import GUARDS
from tests.faults.fault_run import Plan, run_faults
from tests.faults.faults import FAULTS, LONG_FAULTS
from tests.faults.faulty_stack import running_stack
from tests.faults.scenarios import SCENARIOS

from ticketing_common.topology import SERVICE_NAMES

pytestmark = pytest.mark.xdist_group("stack")


@pytest.mark.timeout(600)
@pytest.mark.usefixtures("ignore_broken_connections")
def test_fault_run_violates_no_invariant(tmp_path: Path) -> None:
    plan = Plan(seed=1, rounds=1, seconds=15, buyers=4, with_long_faults=False)
    with running_stack(tmp_path) as stack:
        result = asyncio.run(run_faults(stack, plan, print))

    assert result.violations == [], f"seed {plan.seed}: {result.lines()}"
    assert result.faults.total() > 0
    assert result.ledger.operations > 20


def test_guards_have_scenarios() -> None:
    assert SCENARIOS.keys() == GUARDS.keys()
    assert all(set(services) <= set(SERVICE_NAMES) for _, services in GUARDS.values())
    assert FAULTS.keys() > LONG_FAULTS


@pytest.mark.parametrize(
    ("control", "failure"),
    [
        (Control(provoked=0, violations=["something else"]), "not provoked"),
        (Control(provoked=2, violations=[]), "unnoticed"),
        (Control(provoked=1, violations=["two live orders"]), None),
    ],
)
def test_control_fails_without_proof(control: Control, failure: str | None) -> None:
    assert control.failure == failure
