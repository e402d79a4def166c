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
    settings = OrdersSettings(**environment.settings())
    async with environment.serve(create_app(settings)) as service:
        yield service


@pytest.fixture
def buyer() -> SessionUser:
    return new_user()


@pytest.fixture
async def buyer_client(orders: RunningService, buyer: SessionUser) -> httpx.AsyncClient:
    """A client that is signed in as the buyer."""
    return await orders.client(buyer)


@pytest.fixture
async def ticket(orders: RunningService) -> TicketCreated:
    """A ticket of which orders has a copy."""
    event = new_event(TicketCreated, title="Concert", price=19.99)
    await orders.bus.publish(event)
    await orders.bus.wait_until_handled(listeners)
    return event
