from collections.abc import AsyncIterator, Iterator

import pytest
from tests.system.stack import Market, running_market


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Market]:
    """One stack for all journeys; xdist keeps them together."""
    with running_market(tmp_path_factory.mktemp("market")) as started:
        yield started


@pytest.fixture
async def market(stack: Market) -> AsyncIterator[Market]:
    """The stack, with no browser left open after the test."""
    async with stack.browsers:
        yield stack
