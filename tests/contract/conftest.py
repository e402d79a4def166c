from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest
import pytest_asyncio
from tests.contract.apps import make_app
from tests.contract.tables import BASES

from payments import order_arrivals
from ticketing_dev.stack.processes.ports import free_port
from ticketing_dev.stack.processes.stripe_stand_in import stripe_stand_in
from ticketing_dev.stack.supervision.process import running
from ticketing_testing import RunningService, TestEnvironment
from ticketing_testing.store_servers import StoreServers

Serve = Callable[[str], AbstractAsyncContextManager[RunningService]]


@pytest.fixture(autouse=True)
def short_wait_for_orders(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make payments answer soon with a 404 for an order that it does not know."""
    monkeypatch.setattr(order_arrivals, "WAIT_SECONDS", 0.01)


@pytest.fixture(scope="session")
def stripe_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the stand-in for Stripe, in a process of its own."""
    stripe = stripe_stand_in(free_port(), tmp_path_factory.mktemp("stripe"))
    with running(stripe):
        yield stripe.url


@pytest.fixture
def serve(environment: TestEnvironment, stripe_url: str) -> Serve:
    """A function that runs a service: `async with serve("tickets") as service`."""

    @asynccontextmanager
    async def serve_service(service: str) -> AsyncIterator[RunningService]:
        async with environment.serve(make_app(service, environment, stripe_url)) as running:
            yield running

    return serve_service


@pytest.fixture(
    scope="module",
    params=[pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in BASES],
)
def service_name(request: pytest.FixtureRequest) -> str:
    """The name of each service with routes, in turn."""
    name: str = request.param
    return name


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def service(
    service_name: str, store_servers: StoreServers, stripe_url: str
) -> AsyncIterator[RunningService]:
    """A service that runs for all tests of a module. It has a route that crashes."""

    async def crash() -> None:
        raise LookupError("a secret")

    async with TestEnvironment.create(store_servers) as environment:
        app = make_app(service_name, environment, stripe_url)
        app.add_api_route("/crash", crash, methods=["GET", "POST"])
        async with environment.serve(app) as running:
            yield running
