"""Replays: domain events published a second time, for one service alone.

`ticketing events replay` and the retry of a dead letter use it. The stream REPLAY has one subject
per service and event: `replay.<service>.<the event's subject>`, so no other service receives them.
"""

from collections.abc import Mapping

from nats.js import JetStreamContext

from ticketing_common.events import Envelope
from ticketing_common.messaging.publish import publish

REPLAY_STREAM = "REPLAY"
REPLAY_HEADER = "Ticketing-Replay"
"""Marks an event that the service has handled before, but whose effects it has lost."""


def replay_subject(service: str, subject: str) -> str:
    """Return the subject on which a service receives a replay. Both may be wildcards."""
    return f"replay.{service}.{subject}"


def original_subject(subject: str) -> str:
    """Return the event's own subject, for a replay as well as for a first delivery."""
    return subject.split(".", 2)[2] if subject.startswith("replay.") else subject


async def publish_replay(
    js: JetStreamContext,
    service: str,
    subject: str,
    body: bytes,
    headers: Mapping[str, str],
    *,
    id: str,
) -> None:
    """Publish an event for one service. Repeated calls with the same `id` publish it once.

    Returns once it is stored. Raises: NatsError.
    """
    replay = Envelope(replay_subject(service, subject), body, {**headers, "Nats-Msg-Id": id})
    await publish(js, replay, stream=REPLAY_STREAM)
