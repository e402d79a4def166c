"""What expiration reads from its environment."""

from ticketing_common.settings import RedisUrl, Settings


class ExpirationSettings(Settings):
    redis_url: RedisUrl
