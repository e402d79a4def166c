"""Fixtures and helpers for the tests of every package."""

from ticketing_testing.bus import Bus
from ticketing_testing.environment import TestEnvironment
from ticketing_testing.event_stream import EventStream, ServerSentEvent, open_stream
from ticketing_testing.factories import (
    new_event,
    new_id,
    new_session,
    new_user,
    next_millisecond,
    session_cookies,
    session_token,
)
from ticketing_testing.running_service import RunningService, serve_app
from ticketing_testing.timeouts import eventually, retry_while_busy

__all__ = [
    "Bus",
    "EventStream",
    "RunningService",
    "ServerSentEvent",
    "TestEnvironment",
    "eventually",
    "new_event",
    "new_id",
    "new_session",
    "new_user",
    "next_millisecond",
    "open_stream",
    "retry_while_busy",
    "serve_app",
    "session_cookies",
    "session_token",
]
