from collections.abc import AsyncIterator, Callable

import pytest
from common.tests.workshop import Workshop, make_app
from fastapi import FastAPI

from ticketing_common.settings import SessionSettings
from ticketing_testing import Served, World


@pytest.fixture
def workshop() -> Workshop:
    return Workshop()


@pytest.fixture
def replica(world: World, workshop: Workshop) -> Callable[[], FastAPI]:
    """Makes one more app of the service on the same stores."""
    return lambda: make_app(SessionSettings(**world.settings()), workshop.listeners)


@pytest.fixture
async def served(world: World, replica: Callable[[], FastAPI]) -> AsyncIterator[Served]:
    async with world.serving(replica()) as running:
        yield running
