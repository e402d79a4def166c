from collections.abc import AsyncIterator

import httpx
import pytest

from ticketing_common.web.sessions import SessionUser
from ticketing_testing import Served, World, somebody
from tickets.app import create_app
from tickets.settings import TicketsSettings


@pytest.fixture
async def tickets(world: World) -> AsyncIterator[Served]:
    async with world.serving(create_app(TicketsSettings(**world.settings()))) as served:
        yield served


@pytest.fixture
def seller() -> SessionUser:
    return somebody()


@pytest.fixture
async def shop(tickets: Served, seller: SessionUser) -> httpx.AsyncClient:
    """The service as the seller calls it."""
    return await tickets.visitor(seller)
