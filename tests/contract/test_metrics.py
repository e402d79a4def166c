"""The metrics of HTTP requests."""

import re

from tests.contract.conftest import Serve

from ticketing_testing import new_id, new_user


async def test_request_duration_is_counted_by_route(serve: Serve) -> None:
    async with serve("orders") as service:
        http = await service.client(new_user())
        for path in ("", f"/{new_id()}", "/x", "/api", "/orders", "/x/y/z"):
            await http.get(f"/api/orders{path}")
        await http.patch("/api/orders")
        metrics = (await http.get("/metrics")).text
    counted = set(re.findall(r'http_request_duration_seconds_count{.*route="(.*?)"', metrics))
    assert counted >= {"/api/orders", "/api/orders/{orderId}", "unknown"}
    # Other tests of this process may have added routes.
    assert not [route for route in counted if re.search(r"[0-9a-f]{24}|/x|^$", route)]
