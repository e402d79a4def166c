from ops.tests.audit.conftest import Look_at, told
from ops.tests.audit.shop import Shop


async def test_a_market_in_order_has_nothing_wrong(shop: Shop, look_at: Look_at) -> None:
    found = await look_at()

    assert told(found) == []
    assert found.rows > 30
    assert found.unfinished == []
