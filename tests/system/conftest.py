from collections.abc import AsyncIterator, Iterator

import pytest
from tests.system.stack import RunningStack, running_stack


@pytest.fixture(scope="session")
def session_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    """One stack for all system tests. Their xdist group runs in one process."""
    with running_stack(tmp_path_factory.mktemp("stack")) as started:
        yield started


@pytest.fixture
async def stack(session_stack: RunningStack) -> AsyncIterator[RunningStack]:
    """The stack, without open browsers after the test."""
    async with session_stack.browsers:
        yield session_stack
