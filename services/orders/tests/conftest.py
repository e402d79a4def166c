from collections.abc import AsyncIterator

import httpx
import pytest

from orders.app import create_app
from orders.handlers import listeners
from orders.settings import OrdersSettings
from ticketing_common.events import TicketCreated
from ticketing_common.web.sessions import SessionUser
from ticketing_testing import RunningService, TestEnvironment, new_event, new_user


@pytest.fixture
async def orders(environment: TestEnvironment) -> AsyncIterator[RunningService]:
    async with environment.serve(create_app(OrdersSettings(**environment.settings()))) as served:
        yield served


@pytest.fixture
def buyer() -> SessionUser:
    return new_user()


@pytest.fixture
async def desk(orders: RunningService, buyer: SessionUser) -> httpx.AsyncClient:
    """The service as the buyer calls it."""
    return await orders.client(buyer)


@pytest.fixture
async def ticket(orders: RunningService) -> TicketCreated:
    """A ticket that orders has heard of."""
    event = new_event(TicketCreated, title="Concert", price=19.99)
    await orders.bus.publish(event)
    await orders.bus.wait_until_handled(listeners)
    return event
