from collections.abc import AsyncIterator

import httpx
import pytest

from orders.app import create_app
from orders.handlers import listeners
from orders.settings import OrdersSettings
from ticketing_common.events import TicketCreated
from ticketing_common.web.sessions import SessionUser
from ticketing_testing import Served, World, an_event, somebody


@pytest.fixture
async def orders(world: World) -> AsyncIterator[Served]:
    async with world.serving(create_app(OrdersSettings(**world.settings()))) as served:
        yield served


@pytest.fixture
def buyer() -> SessionUser:
    return somebody()


@pytest.fixture
async def desk(orders: Served, buyer: SessionUser) -> httpx.AsyncClient:
    """The service as the buyer calls it."""
    return await orders.visitor(buyer)


@pytest.fixture
async def ticket(orders: Served) -> TicketCreated:
    """A ticket that orders has heard of."""
    event = an_event(TicketCreated, title="Concert", price=19.99)
    await orders.bus.say(event)
    await orders.bus.settled(listeners)
    return event
