"""Publishing to JetStream."""

from nats.js import JetStreamContext

from ticketing_common.events import Envelope

PUBLISH_TIMEOUT_SECONDS = 5


async def publish(js: JetStreamContext, envelope: Envelope, *, stream: str | None = None) -> None:
    """Publish a message and wait until the broker has stored it.

    The broker refuses the message if its subject does not belong to `stream`. Raises: NatsError.
    """
    await js.publish(
        envelope.subject,
        envelope.body,
        headers=dict(envelope.headers),
        stream=stream,
        timeout=PUBLISH_TIMEOUT_SECONDS,
    )
