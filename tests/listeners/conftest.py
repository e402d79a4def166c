from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest
from tests.listeners.services import make_app
from tests.listeners.story import Given

from ticketing_common.messaging import streams
from ticketing_testing import Bus, TestEnvironment
from ticketing_testing.store_servers import StoreServers

Serve = Callable[..., AbstractAsyncContextManager[Bus]]


@pytest.fixture(autouse=True)
def short_ack_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the broker redeliver an unacknowledged event soon."""
    monkeypatch.setattr(streams, "ACK_WAIT_SECONDS", 0.4)


@pytest.fixture
async def other_environment(store_servers: StoreServers) -> AsyncIterator[TestEnvironment]:
    """A second environment, for the same events in another order."""
    async with TestEnvironment.create(store_servers) as environment:
        yield environment


@pytest.fixture
def serve() -> Serve:
    """A function that runs a service with documents: `async with serve("orders", environment)`."""

    @asynccontextmanager
    async def serve_service(
        service: str, environment: TestEnvironment, documents: tuple[Given, ...] = ()
    ) -> Any:
        async with environment.serve(make_app(service, environment)) as running:
            for document, fields in documents:
                await document(**fields).insert()
            yield running.bus

    return serve_service
