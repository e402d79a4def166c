import logging
from collections.abc import AsyncIterator, Callable, Iterator

import pytest
import structlog
from common.tests.sample_service import SampleListeners, create_sample_service
from fastapi import FastAPI

from ticketing_common.settings import SessionSettings
from ticketing_testing import RunningService, TestEnvironment


@pytest.fixture
def sample() -> SampleListeners:
    return SampleListeners()


@pytest.fixture
def create_app(environment: TestEnvironment, sample: SampleListeners) -> Callable[[], FastAPI]:
    """Makes one more app of the service on the same stores."""
    return lambda: create_sample_service(
        SessionSettings(**environment.settings()), sample.listeners
    )


@pytest.fixture
async def served(
    environment: TestEnvironment, create_app: Callable[[], FastAPI]
) -> AsyncIterator[RunningService]:
    async with environment.serve(create_app()) as running:
        yield running


@pytest.fixture
def restored_logging() -> Iterator[None]:
    """Undoes the configuration of logging that the test makes."""
    root = logging.getLogger()
    handlers, level, own = root.handlers[:], root.level, structlog.get_config()
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.configure(**own)
