"""Each kind of problem is found, and none in a consistent data set."""

import inspect

import pytest
from ops.tests.audit.conftest import RunAudit, kinds_and_ids
from ops.tests.audit.problems import ALL, IN_DATABASES, IN_OTHER_STORES, Cause, Expected
from ops.tests.audit.shop import Shop

from ticketing_ops.audit.kinds import KINDS


def name(cause: Cause) -> str:
    return cause.__name__


def ordered(findings: Expected) -> Expected:
    return sorted(findings, key=str)


async def test_checks_find_nothing_in_consistent_stores(shop: Shop, run_audit: RunAudit) -> None:
    result = await run_audit()

    assert kinds_and_ids(result) == []
    assert result.rows > 30
    assert result.incomplete == []


@pytest.mark.parametrize("cause", IN_DATABASES, ids=name)
async def test_checks_find_a_problem_unless_it_is_resolved_within_the_grace(
    cause: Cause, shop: Shop, run_audit: RunAudit
) -> None:
    await shop.take_snapshot()
    await cause(shop)
    assert kinds_and_ids(await run_audit(resolve=shop.restore_snapshot)) == []

    expected = await cause(shop)
    assert ordered(kinds_and_ids(await run_audit())) == ordered(expected)


@pytest.mark.parametrize("cause", IN_OTHER_STORES, ids=name)
async def test_checks_find_a_problem_with_its_ids(
    cause: Cause, shop: Shop, run_audit: RunAudit
) -> None:
    expected = await cause(shop)

    assert ordered(kinds_and_ids(await run_audit())) == ordered(expected)


def test_problems_cover_every_kind() -> None:
    sources = "".join(map(inspect.getsource, ALL))
    assert [kind.name for kind in KINDS if f'("{kind.name}"' not in sources] == []
