from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest
from tests.contract.apps import make_app

from ticketing_dev.stack.processes import stand_ins
from ticketing_dev.stack.processes.ports import free_port
from ticketing_dev.stack.supervision.process import running
from ticketing_testing import RunningService, TestEnvironment

Serve = Callable[[str], AbstractAsyncContextManager[RunningService]]


@pytest.fixture(scope="session")
def stripe_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Stripe's stand-in, in a process of its own."""
    stripe = stand_ins.stripe(free_port(), tmp_path_factory.mktemp("stripe"))
    with running(stripe):
        yield stripe.url


@pytest.fixture
def serve(environment: TestEnvironment, stripe_url: str) -> Serve:
    """Serves one of the services in the test's own world: `async with serve("tickets") as shop`."""

    @asynccontextmanager
    async def serving(service: str) -> AsyncIterator[RunningService]:
        async with environment.serve(make_app(service, environment, stripe_url)) as served:
            yield served

    return serving
