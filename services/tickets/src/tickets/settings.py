"""What tickets reads from its environment."""

from ticketing_common.settings import SessionSettings


class TicketsSettings(SessionSettings):
    """Nothing of its own."""
