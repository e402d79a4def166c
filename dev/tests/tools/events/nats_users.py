"""Users of a real NATS with the accounts and permissions of the cluster."""

from collections.abc import Callable, Iterable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field

from nats.aio.client import Client
from nats.js import JetStreamContext

from ticketing_common.events import DomainEvent, Envelope, utc_now
from ticketing_common.messaging.streams import streams
from ticketing_dev.stack.processes.servers import AUDIT, OPERATOR, PROVISIONER
from ticketing_dev.tools.events.permissions import grants, imported
from ticketing_dev.tools.events.service_listeners import service_listeners
from ticketing_dev.tools.openapi import apps
from ticketing_testing import eventually, new_event, new_id
from ticketing_testing.timeouts import TIMEOUT_SECONDS

GRANTS = grants()
LISTENERS = {listeners.service: listeners for listeners in service_listeners()}
STREAMS = [str(stream.name) for stream in streams()]
FEEDS = {name: app.state.feed for name, app in apps().items() if app.state.feed is not None}

FOLLOWED = {name: app.state.follower.event for name, app in apps().items() if app.state.follower}

USERS = (OPERATOR, PROVISIONER, AUDIT, *LISTENERS)


@dataclass
class NatsUser:
    """A NATS user with a connection."""

    name: str
    client: Client = field(default_factory=Client)
    errors: list[str] = field(default_factory=list)

    @property
    def js(self) -> JetStreamContext:
        return self.client.jetstream(timeout=TIMEOUT_SECONDS)

    async def on_error(self, error: Exception) -> None:
        self.errors.append(str(error))

    async def assert_cannot_publish(self, subjects: Iterable[str]) -> None:
        subjects = list(subjects)
        for subject in subjects:
            await self.client.publish(subject, b"{}")
        await self._assert_errors(
            {f'permissions violation for publish to "{imported(subject)}"' for subject in subjects}
        )

    async def assert_cannot_subscribe(self, subjects: Iterable[str]) -> None:
        for subject in subjects:
            await self.client.subscribe(subject)
        await self._assert_errors(
            {f'permissions violation for subscription to "{subject}"' for subject in subjects}
        )

    async def _assert_errors(self, expected: set[str]) -> None:
        await self.client.flush()

        async def all_have_arrived() -> bool:
            received = {error.removeprefix("nats: ").lower() for error in self.errors}
            assert {message.lower() for message in expected} - received == set()
            return True

        await eventually(all_have_arrived)


Connect = Callable[[str], AbstractAsyncContextManager[NatsUser]]


async def publish(user: NatsUser, event: type[DomainEvent]) -> None:
    envelope = Envelope.encode(new_event(event), id=new_id(), time=utc_now(), trace={})
    await user.js.publish(envelope.subject, envelope.body, headers=dict(envelope.headers))
