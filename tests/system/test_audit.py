import pytest
from tests.system.stack import Market

pytestmark = pytest.mark.xdist_group("market")


async def test_a_market_on_which_people_buy_cancel_and_change_their_minds_audits_clean(
    market: Market,
) -> None:
    seller, buyer, other = [await market.somebody() for _ in range(3)]
    sold, let_go, declined, withdrawn = [await seller.offer(f"Night {n}", 30 + n) for n in range(4)]
    order = await buyer.order(sold)
    assert (await buyer.pay(order)).status_code == 201
    await buyer.delete(f"/api/orders/{(await buyer.order(let_go))['id']}")
    refused = await other.pay(await other.order(declined), "tok_chargeDeclined")
    assert refused.status_code == 402
    assert (await seller.delete(f"/api/tickets/{withdrawn['id']}")).status_code == 204
    await buyer.sees_order(order, status="complete")

    assert (await market.audited())["looked_at"] > 20
