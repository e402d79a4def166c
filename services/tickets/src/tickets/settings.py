"""Settings of tickets."""

from ticketing_common.settings import SessionSettings


class TicketsSettings(SessionSettings):
    """The settings of tickets."""
