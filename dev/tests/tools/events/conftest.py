from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest
from dev.tests.tools.events.nats_users import USERS, Connect, NatsUser

from ticketing_common.messaging.provisioning import provision
from ticketing_dev.stack.processes import servers
from ticketing_dev.stack.processes.ports import free_port
from ticketing_dev.stack.processes.servers import OPERATOR, Nats
from ticketing_dev.stack.supervision.process import running
from ticketing_ops.subscriptions import consumed_events
from ticketing_testing.timeouts import TIMEOUT_SECONDS


@pytest.fixture(scope="module")
def nats(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nats]:
    passwords = {user: f"p{user}" for user in USERS}
    spec = servers.nats(free_port(), tmp_path_factory.mktemp("nats"), passwords=passwords)
    with running(spec):
        yield spec


@pytest.fixture
def connect(nats: Nats) -> Connect:
    """A function that connects a user as its service does."""

    @asynccontextmanager
    async def connected_user(name: str) -> AsyncIterator[NatsUser]:
        user = NatsUser(name)
        await user.client.connect(
            nats.url_of(name),
            inbox_prefix=f"_INBOX.{name}",
            error_cb=user.on_error,
            connect_timeout=int(TIMEOUT_SECONDS),
        )
        try:
            yield user
        finally:
            await user.client.close()

    return connected_user


@pytest.fixture
async def operator(connect: Connect) -> AsyncIterator[NatsUser]:
    async with connect(OPERATOR) as operator:
        await provision(operator.js, consumed_events())
        yield operator
