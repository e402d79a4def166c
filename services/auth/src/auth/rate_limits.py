"""Rate limits by e-mail address."""

import math
import time

from limits import RateLimitItem, RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import FixedWindowRateLimiter

from ticketing_common.errors import RateLimited

WRONG_PASSWORDS = RateLimitItemPerMinute(10, 5, "wrong-passwords")
"""10 wrong passwords in 5 minutes."""
RESET_MAILS = RateLimitItemPerMinute(5, 15, "reset-mails")
"""5 reset mails in 15 minutes."""


class RateLimiter:
    """Count attempts in the memory of this process. Every replica has its own count."""

    def __init__(self) -> None:
        self._limiter = FixedWindowRateLimiter(MemoryStorage())

    async def check(self, limit: RateLimitItem, email: str) -> None:
        """Raise RateLimited if no attempt is left."""
        if not await self._limiter.test(limit, email):
            reset_time = (await self._limiter.get_window_stats(limit, email)).reset_time
            raise RateLimited(retry_after=max(1, math.ceil(reset_time - time.time())))

    async def count(self, limit: RateLimitItem, email: str) -> None:
        """Count one attempt. Raises: RateLimited if none is left."""
        if not await self._limiter.hit(limit, email):
            await self.check(limit, email)
