"""Events told once more, to one service alone: replays, and dead letters that are tried again.

Everybody else has heard them. So they go into a stream of their own, on subjects that name the
service: `again.<service>.<the event's subject>`.
"""

from collections.abc import Mapping

from nats.js import JetStreamContext

REPLAY_STREAM = "AGAIN"
REPLAY_HEADER = "Ticketing-Replay"
"""The header that marks an event which the service has handled before, and has forgotten."""


def address(service: str, subject: str) -> str:
    """Where an event of this subject is told to one service again. Either may be a wildcard."""
    return f"again.{service}.{subject}"


def original_subject(subject: str) -> str:
    """The event's own subject, of whichever subject it comes by."""
    return subject.split(".", 2)[2] if subject.startswith("again.") else subject


async def publish_replay(
    js: JetStreamContext,
    service: str,
    subject: str,
    body: bytes,
    headers: Mapping[str, str],
    *,
    id: str,
) -> None:
    """Tell one service an event again; once, however often it is called with one `id`.

    Returns once it is stored. Raises NatsError.
    """
    await js.publish(
        address(service, subject),
        body,
        headers={**headers, "Nats-Msg-Id": id},
        stream=REPLAY_STREAM,
        timeout=5,
    )
