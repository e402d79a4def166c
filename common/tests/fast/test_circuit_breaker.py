import asyncio

import circuitbreaker
import pytest
from prometheus_client import REGISTRY

from ticketing_common.circuit_breaker import (
    FAILURE_THRESHOLD,
    RECOVERY_SECONDS,
    CircuitBreaker,
    CircuitOpen,
)


class Unreachable(Exception):
    pass


class Refused(Exception):
    pass


class Dependency:
    def __init__(self) -> None:
        self.calls = 0
        self.error: Exception | None = None

    async def call(self, word: str) -> str:
        self.calls += 1
        if self.error is not None:
            raise self.error
        return word


@pytest.fixture
def dependency() -> Dependency:
    return Dependency()


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(circuitbreaker, "monotonic", clock)
    return clock


@pytest.fixture
def breaker(clock: Clock) -> CircuitBreaker:
    return CircuitBreaker("a dependency", lambda error: isinstance(error, Unreachable))


async def fail(
    breaker: CircuitBreaker, dependency: Dependency, times: int, error: Exception | None = None
) -> None:
    dependency.error = error or Unreachable()
    for _ in range(times):
        with pytest.raises(type(dependency.error)):
            await breaker.call(dependency.call, "hello")
    dependency.error = None


def circuit_open_metric() -> float | None:
    return REGISTRY.get_sample_value("circuit_open", {"dependency": "a dependency"})


async def test_call_returns_the_result(breaker: CircuitBreaker, dependency: Dependency) -> None:
    assert await breaker.call(dependency.call, word="hello") == "hello"
    assert circuit_open_metric() == 0


async def test_call_is_refused_after_consecutive_failures(
    breaker: CircuitBreaker, dependency: Dependency
) -> None:
    await fail(breaker, dependency, FAILURE_THRESHOLD)

    with pytest.raises(CircuitOpen) as refused:
        await breaker.call(dependency.call, "hello")

    assert (breaker.is_open, dependency.calls, circuit_open_metric()) == (
        True,
        FAILURE_THRESHOLD,
        1,
    )
    assert (refused.value.status, refused.value.retry_after) == (503, RECOVERY_SECONDS)
    assert refused.value.message == "a dependency is not available right now. Try again soon."


async def test_success_resets_the_failure_count(
    breaker: CircuitBreaker, dependency: Dependency
) -> None:
    await fail(breaker, dependency, FAILURE_THRESHOLD - 1)
    await breaker.call(dependency.call, "hello")
    await fail(breaker, dependency, FAILURE_THRESHOLD - 1)
    assert not breaker.is_open


async def test_other_exceptions_do_not_open_the_circuit(
    breaker: CircuitBreaker, dependency: Dependency
) -> None:
    await fail(breaker, dependency, FAILURE_THRESHOLD * 2, Refused())
    assert not breaker.is_open


async def test_successful_trial_closes_the_circuit(
    breaker: CircuitBreaker, dependency: Dependency, clock: Clock
) -> None:
    await fail(breaker, dependency, FAILURE_THRESHOLD)
    clock.now += RECOVERY_SECONDS
    assert circuit_open_metric() == 1

    assert await breaker.call(dependency.call, "hello") == "hello"

    await fail(breaker, dependency, FAILURE_THRESHOLD - 1)
    assert (breaker.is_open, circuit_open_metric()) == (False, 0)


async def test_failed_trial_opens_the_circuit_again(
    breaker: CircuitBreaker, dependency: Dependency, clock: Clock
) -> None:
    await fail(breaker, dependency, FAILURE_THRESHOLD)
    clock.now += RECOVERY_SECONDS
    await fail(breaker, dependency, 1)
    clock.now += RECOVERY_SECONDS / 2
    with pytest.raises(CircuitOpen):
        breaker.check()
    assert dependency.calls == FAILURE_THRESHOLD + 1


async def test_single_trial_may_make_nested_calls(
    breaker: CircuitBreaker, dependency: Dependency, clock: Clock
) -> None:
    under_way, may_end = asyncio.Event(), asyncio.Event()

    async def ask_twice() -> str:
        under_way.set()
        await may_end.wait()
        async with asyncio.TaskGroup() as group:
            return await group.create_task(breaker.call(dependency.call, "hello"))

    await fail(breaker, dependency, FAILURE_THRESHOLD)
    clock.now += RECOVERY_SECONDS
    trying = asyncio.create_task(breaker.call(ask_twice))
    await under_way.wait()

    with pytest.raises(CircuitOpen) as refused:
        await breaker.call(dependency.call, "hello")
    assert (refused.value.retry_after, dependency.calls) == (1, FAILURE_THRESHOLD)

    may_end.set()
    assert await trying == "hello"
    assert await breaker.call(dependency.call, "hello") == "hello"


async def test_cancelled_trial_allows_the_next_one(
    breaker: CircuitBreaker, dependency: Dependency, clock: Clock
) -> None:
    await fail(breaker, dependency, FAILURE_THRESHOLD)
    clock.now += RECOVERY_SECONDS
    trying = asyncio.create_task(breaker.call(asyncio.sleep, 60))
    await asyncio.sleep(0)
    trying.cancel()
    with pytest.raises(asyncio.CancelledError):
        await trying
    assert await breaker.call(dependency.call, "hello") == "hello"
