import inspect

import pytest
from ops.tests.audit.conftest import Look_at, told
from ops.tests.audit.faults import ELSEWHERE, EVERY, IN_STORES, Expected, Plant
from ops.tests.audit.shop import Shop

from ticketing_ops.audit.kinds import KINDS


def name(plant: Plant) -> str:
    return plant.__name__


def in_order(findings: Expected) -> Expected:
    return sorted(findings, key=str)


@pytest.mark.parametrize("plant", IN_STORES, ids=name)
async def test_a_fault_is_found_with_its_ids_unless_it_heals_within_the_grace(
    plant: Plant, shop: Shop, look_at: Look_at
) -> None:
    await shop.keep()
    await plant(shop)
    assert told(await look_at(heal=shop.restore)) == []

    expected = await plant(shop)
    assert in_order(told(await look_at())) == in_order(expected)


@pytest.mark.parametrize("plant", ELSEWHERE, ids=name)
async def test_a_fault_is_found_with_its_ids(plant: Plant, shop: Shop, look_at: Look_at) -> None:
    expected = await plant(shop)

    assert in_order(told(await look_at())) == in_order(expected)


def test_every_kind_of_finding_has_been_planted() -> None:
    planted = "".join(map(inspect.getsource, EVERY))
    assert [kind.name for kind in KINDS if f'("{kind.name}"' not in planted] == []
