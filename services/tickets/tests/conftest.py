from collections.abc import AsyncIterator

import httpx
import pytest

from ticketing_common.web.sessions import SessionUser
from ticketing_testing import RunningService, TestEnvironment, new_user
from tickets.app import create_app
from tickets.settings import TicketsSettings


@pytest.fixture
async def tickets(environment: TestEnvironment) -> AsyncIterator[RunningService]:
    async with environment.serve(create_app(TicketsSettings(**environment.settings()))) as served:
        yield served


@pytest.fixture
def seller() -> SessionUser:
    return new_user()


@pytest.fixture
async def shop(tickets: RunningService, seller: SessionUser) -> httpx.AsyncClient:
    """The service as the seller calls it."""
    return await tickets.client(seller)
