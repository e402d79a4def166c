"""Limits by address, and the headers of all limits of a request."""

from collections.abc import Mapping

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ticketing_common.errors import RateLimited
from ticketing_common.limits.address import client_address, current_address
from ticketing_common.limits.limiter import Limiter
from ticketing_common.limits.quota import Usage
from ticketing_common.limits.requests import USAGES, RequestLimits
from ticketing_common.web.error_handlers import error_response
from ticketing_common.web.middleware.origin_check import MUTATING_METHODS

WRITES = "writes_by_address"

AddressLimits = Mapping[str, str | None]
"""By method and path, such as `POST /api/users/signin`, the limit by address; None for no limit."""


class AddressLimitMiddleware:
    """Refuse state-changing requests of an address above its limit with a 429.

    A route has its own limit, else that of all writes. Reads have none: they are cheap, and no
    read may wait for a store of limits.
    """

    def __init__(self, app: ASGIApp, limiter: Limiter, limits: AddressLimits) -> None:
        self._app = app
        self._limiter = limiter
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        address = client_address(scope)
        current_address.set(address)
        usages: list[Usage] = []
        scope[USAGES] = usages

        async def send_with_usages(message: Message) -> None:
            if usages and message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *_headers(usages)]
            await send(message)

        try:
            if scope["method"] in MUTATING_METHODS:
                name = self._limits.get(f"{scope['method']} {scope['path']}", WRITES)
                if name is not None:
                    await RequestLimits(self._limiter, usages).hit(name, address)
        except RateLimited as error:
            await error_response(error)(scope, receive, send_with_usages)
            return
        await self._app(scope, receive, send_with_usages)


def _headers(usages: list[Usage]) -> list[tuple[bytes, bytes]]:
    policies, left = zip(*(usage.headers() for usage in usages), strict=True)
    return [
        (b"ratelimit-policy", ", ".join(policies).encode()),
        (b"ratelimit", ", ".join(left).encode()),
    ]
