"""Limits of requests: by address before anything else, by account in the routes."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import Depends, Request

from ticketing_common.errors import RateLimited
from ticketing_common.limits.counters import RedisCounters
from ticketing_common.limits.limiter import Limiter
from ticketing_common.limits.quota import Quota, Usage
from ticketing_common.settings import LimitSettings
from ticketing_common.web.sessions import CurrentUser

USAGES = "ticketing.usages"
"""The usages of a request, for its headers."""
PREFIX, BY_ADDRESS = "limit_", "_by_address"


def create_limiter(settings: LimitSettings) -> Limiter:
    """Return a limiter with the quotas of the settings."""
    url = settings.limits_redis_url
    return Limiter(quotas(settings), None if url is None else RedisCounters(url))


def quotas(settings: LimitSettings) -> Mapping[str, Quota]:
    """Return the quotas of the settings by name: that of the field without `limit_`."""
    found = {}
    for field, value in settings:
        if field.startswith(PREFIX) and isinstance(value, str):
            factor = settings.limits_by_address_factor if field.endswith(BY_ADDRESS) else 1
            name = field.removeprefix(PREFIX)
            found[name] = Quota.parse(name, value, factor)
    return found


class RequestLimits:
    """The limits of one request. The headers of its response show the rest of each."""

    def __init__(self, limiter: Limiter, usages: list[Usage]) -> None:
        self._limiter = limiter
        self._usages = usages

    async def hit(self, name: str, key: str) -> None:
        """Count one. Raises: RateLimited if that is above the quota."""
        self._require(await self._limiter.hit(name, key))

    async def count(self, name: str, key: str) -> None:
        """Count one that has happened already, even above the quota."""
        self._usages.append(await self._limiter.hit(name, key))

    async def check(self, name: str, key: str) -> None:
        """Count nothing. Raises: RateLimited if nothing is left of the quota."""
        self._require(await self._limiter.check(name, key))

    async def clear(self, name: str, key: str) -> None:
        """Delete the counters."""
        await self._limiter.clear(name, key)

    def _require(self, usage: Usage) -> None:
        self._usages.append(usage)
        if usage.exceeded:
            raise RateLimited(retry_after=usage.reset_seconds or 1)


def request_limits(request: Request) -> RequestLimits:
    """Return the limits of a request."""
    return RequestLimits(request.app.state.limiter, request.scope.setdefault(USAGES, []))


Limits = Annotated[RequestLimits, Depends(request_limits)]


def by_account(name: str) -> Any:
    """Return a dependency that counts the requests of a route by account."""

    async def count(user: CurrentUser, limits: Limits) -> None:
        await limits.hit(name, user.id)

    return Depends(count)
