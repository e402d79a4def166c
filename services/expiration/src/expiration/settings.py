"""What expiration reads from its environment."""

from ticketing_common.settings import Settings


class ExpirationSettings(Settings):
    redis_url: str
