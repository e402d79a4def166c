"""Settings of expiration."""

from ticketing_common.settings import RedisUrl, Settings


class ExpirationSettings(Settings):
    """The settings of expiration."""

    redis_url: RedisUrl
    """The Redis database that keeps the timers."""
