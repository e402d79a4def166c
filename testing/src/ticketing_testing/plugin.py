"""The pytest plugin with the shared fixtures."""

import gc
import warnings
from collections.abc import AsyncIterator, Generator, Iterator
from contextlib import nullcontext
from typing import Any

import pytest
from pymongo import monitoring

from ticketing_testing.environment import TestEnvironment
from ticketing_testing.rules.no_servers import is_fast, no_servers
from ticketing_testing.rules.safe_writes import SafeWrites
from ticketing_testing.store_servers import StoreServers, start_store_servers

_safe_writes = SafeWrites()
monitoring.register(_safe_writes)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "mongo: uses MongoDB, so it also runs on a real mongod")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that use MongoDB: those with a database or a whole stack."""
    for item in items:
        if {"store_servers", "stack"} & set(getattr(item, "fixturenames", ())):
            item.add_marker("mongo")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Refuse to start servers in fast tests."""
    with no_servers() if is_fast(item) else nullcontext():
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_report_to_serializable() -> Generator[None, Any, Any]:
    """Turn the values of a report into text: an xdist worker that cannot send its report ends the
    whole run without a message."""
    return _as_text((yield))


def _as_text(value: Any) -> Any:
    match value:
        case str():
            return value.encode(errors="backslashreplace").decode()
        case dict():
            return {_as_text(key): _as_text(one) for key, one in value.items()}
        case list() | tuple():
            return type(value)(map(_as_text, value))
        case _:
            return value


@pytest.fixture(autouse=True)
def safe_writes() -> Iterator[SafeWrites]:
    """The unsupported writes of the test; the test fails if there is one at its end."""
    yield _safe_writes
    violations = list(_safe_writes.violations)
    _safe_writes.violations.clear()
    assert not violations, "The embedded MongoDB does not support: " + "; ".join(violations)


@pytest.fixture(scope="session")
def store_servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoreServers]:
    """MongoDB, NATS and Redis of this test process."""
    with start_store_servers(tmp_path_factory.mktemp("stores")) as started:
        yield started


@pytest.fixture
async def environment(store_servers: StoreServers) -> AsyncIterator[TestEnvironment]:
    """A database, a NATS account and a Redis database for this test alone."""
    async with TestEnvironment.create(store_servers) as environment:
        yield environment


@pytest.fixture
def ignore_broken_connections() -> Iterator[None]:
    """Ignore the ResourceWarning for a connection to a broker that the test stops: nats-py leaves
    the broken socket to the garbage collector."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()
