from collections.abc import AsyncIterator

import httpx
import pytest

from ticketing_common.web.sessions import SessionUser
from ticketing_testing import RunningService, TestEnvironment, new_user
from tickets.app import create_app
from tickets.settings import TicketsSettings


@pytest.fixture
async def tickets(environment: TestEnvironment) -> AsyncIterator[RunningService]:
    settings = TicketsSettings(**environment.settings())
    async with environment.serve(create_app(settings)) as service:
        yield service


@pytest.fixture
def seller() -> SessionUser:
    return new_user()


@pytest.fixture
async def seller_client(tickets: RunningService, seller: SessionUser) -> httpx.AsyncClient:
    """A client that is signed in as the seller."""
    return await tickets.client(seller)
