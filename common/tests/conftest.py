from collections.abc import AsyncIterator, Callable

import pytest
from common.tests.sample_service import SampleListeners, create_sample_service
from fastapi import FastAPI

from ticketing_common.settings import SessionSettings
from ticketing_testing import Served, World


@pytest.fixture
def sample() -> SampleListeners:
    return SampleListeners()


@pytest.fixture
def create_app(world: World, sample: SampleListeners) -> Callable[[], FastAPI]:
    """Makes one more app of the service on the same stores."""
    return lambda: create_sample_service(SessionSettings(**world.settings()), sample.listeners)


@pytest.fixture
async def served(world: World, create_app: Callable[[], FastAPI]) -> AsyncIterator[Served]:
    async with world.serving(create_app()) as running:
        yield running
