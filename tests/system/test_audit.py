"""The audit of a stack in normal use."""

import pytest
from tests.system.stack import RunningStack

pytestmark = pytest.mark.xdist_group("stack")


async def test_audit_finds_nothing_after_normal_use(stack: RunningStack) -> None:
    seller, buyer, other = [await stack.sign_up() for _ in range(3)]
    sold, cancelled, declined, withdrawn = [
        await seller.list_ticket(f"Night {n}", 30 + n) for n in range(4)
    ]
    order = await buyer.order(sold)
    assert (await buyer.pay(order)).status_code == 201
    await buyer.delete(f"/api/orders/{(await buyer.order(cancelled))['id']}")
    refused = await other.pay(await other.order(declined), "tok_chargeDeclined")
    assert refused.status_code == 402
    assert (await seller.delete(f"/api/tickets/{withdrawn['id']}")).status_code == 204
    await buyer.wait_for_order(order, status="complete")

    assert (await stack.wait_for_clean_audit())["rows"] > 20
