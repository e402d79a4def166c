"""Publishing to JetStream."""

from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.errors import TimeoutError as NatsTimeoutError
from nats.js import JetStreamContext

from ticketing_common.events import Envelope

PUBLISH_TIMEOUT_SECONDS = 5
PING_TIMEOUT_SECONDS = 1


class Refused(Exception):
    """The broker is available and does not store this message."""


async def publish(
    js: JetStreamContext,
    envelope: Envelope,
    *,
    stream: str | None = None,
    seconds: float = PUBLISH_TIMEOUT_SECONDS,
) -> None:
    """Publish a message and wait until the broker has stored it.

    The broker refuses the message if its subject does not belong to `stream`. Raises: NatsError.
    """
    await js.publish(
        envelope.subject,
        envelope.body,
        headers=dict(envelope.headers),
        stream=stream,
        timeout=seconds,
    )


class Publisher:
    """Publish messages, and distinguish a refused message from an unavailable broker."""

    def __init__(self, connection: Client) -> None:
        self._connection = connection
        self._js = connection.jetstream()

    async def publish(self, envelope: Envelope, *, seconds: float) -> None:
        """Publish a message and wait, for this long, until the broker has stored it.

        Raises:
            Refused: No stream has the subject, the message is too large or invalid, or its stream
                does not answer although the broker does.
            NatsError, OSError: The broker is unavailable.
        """
        reconnects = self._connection.stats["reconnects"]
        try:
            await publish(self._js, envelope, seconds=seconds)
        except (NatsError, OSError) as error:
            # A lost connection loses the response too.
            is_lost = self._connection.stats["reconnects"] != reconnects
            if is_lost or not self._connection.is_connected:
                raise
            if isinstance(error, NatsTimeoutError):
                if seconds < PUBLISH_TIMEOUT_SECONDS:
                    raise
                await self._connection.flush(PING_TIMEOUT_SECONDS)  # raises if there is no PONG
            raise Refused(f"{type(error).__name__}: {error}") from error
        except Exception as error:
            raise Refused(f"{type(error).__name__}: {error}") from error
