"""How often somebody may try."""

import math
import time

from limits import RateLimitItem, RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import FixedWindowRateLimiter

from ticketing_common.errors import RateLimited

WRONG_PASSWORDS = RateLimitItemPerMinute(10, 5, "wrong-passwords")
"""Wrong passwords for one e-mail."""
RESET_MAILS = RateLimitItemPerMinute(5, 15, "reset-mails")
"""Reset mails to one e-mail."""


class RateLimiter:
    """Counts tries in this process: with several replicas, each allows as many."""

    def __init__(self) -> None:
        self._limiter = FixedWindowRateLimiter(MemoryStorage())

    async def check(self, limit: RateLimitItem, who: str) -> None:
        """Raises RateLimited where `who` has used all of them up."""
        if not await self._limiter.test(limit, who):
            reset_time = (await self._limiter.get_window_stats(limit, who)).reset_time
            raise RateLimited(retry_after=max(1, math.ceil(reset_time - time.time())))

    async def use(self, limit: RateLimitItem, who: str) -> None:
        """Use up one try. Raises RateLimited where none is left."""
        if not await self._limiter.hit(limit, who):
            await self.check(limit, who)
