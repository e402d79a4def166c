"""`HEAD` on every route that has `GET`."""

import pytest
from tests.contract.checked_client import routes_of

from ticketing_testing import RunningService, new_user

pytestmark = pytest.mark.asyncio(loop_scope="module")

SAME_HEADERS = ("Content-Type", "Cache-Control", "ETag", "Link", "WWW-Authenticate")


@pytest.mark.parametrize("is_signed_in", [False, True])
async def test_head_is_get_without_the_body(
    service: RunningService, service_name: str, is_signed_in: bool
) -> None:
    http = await service.client(new_user() if is_signed_in else None)
    routes = [route for route in routes_of(service_name) if route.method == "GET"]
    for url in ["/healthz", "/nowhere", *(route.url for route in routes)]:
        async with http.stream("GET", url) as get:
            head = await http.request("HEAD", url)
        assert head.content == b"", url
        assert head.status_code == get.status_code, url
        for name in SAME_HEADERS:
            assert head.headers.get(name) == get.headers.get(name), f"{url} {name}"
