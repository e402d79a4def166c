"""A part outside that fails again and again is left alone, and found again."""

import asyncio

import circuitbreaker
import pytest
from prometheus_client import REGISTRY

from ticketing_common.circuit_breaker import FAILURES, PAUSE_SECONDS, CircuitBreaker, CircuitOpen


class Away(Exception):
    pass


class Refused(Exception):
    pass


class Part:
    def __init__(self) -> None:
        self.asked = 0
        self.trouble: Exception | None = None

    async def ask(self, word: str) -> str:
        self.asked += 1
        if self.trouble is not None:
            raise self.trouble
        return word


@pytest.fixture
def part() -> Part:
    return Part()


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
def guard(clock: Clock) -> CircuitBreaker:
    return CircuitBreaker("a part", lambda error: isinstance(error, Away))


async def fail(guard: CircuitBreaker, part: Part, times: int, trouble: Exception | None = None) -> None:
    part.trouble = trouble or Away()
    for _ in range(times):
        with pytest.raises(type(part.trouble)):
            await guard.call(part.ask, "hello")
    part.trouble = None


def shown() -> float | None:
    return REGISTRY.get_sample_value("part_left_alone", {"part": "a part"})


async def test_what_a_part_says_is_passed_on(guard: CircuitBreaker, part: Part) -> None:
    assert await guard.call(part.ask, word="hello") == "hello"
    assert shown() == 0


async def test_a_part_that_fails_again_and_again_is_not_asked(guard: CircuitBreaker, part: Part) -> None:
    await fail(guard, part, FAILURES)

    with pytest.raises(CircuitOpen) as refused:
        await guard.call(part.ask, "hello")

    assert (guard.is_open, part.asked, shown()) == (True, FAILURES, 1)
    assert (refused.value.status, refused.value.retry_after) == (503, PAUSE_SECONDS)
    assert refused.value.message == "a part is not available right now, try again soon"


async def test_a_success_in_between_begins_the_count_anew(guard: CircuitBreaker, part: Part) -> None:
    await fail(guard, part, FAILURES - 1)
    await guard.call(part.ask, "hello")
    await fail(guard, part, FAILURES - 1)
    assert not guard.is_open


async def test_to_be_refused_is_an_answer_too(guard: CircuitBreaker, part: Part) -> None:
    await fail(guard, part, FAILURES * 2, Refused())
    assert not guard.is_open


async def test_after_a_pause_it_is_asked_again_and_one_success_ends_it(
    guard: CircuitBreaker, part: Part, clock: Clock
) -> None:
    await fail(guard, part, FAILURES)
    clock.now += PAUSE_SECONDS
    assert shown() == 1

    assert await guard.call(part.ask, "hello") == "hello"

    await fail(guard, part, FAILURES - 1)
    assert (guard.is_open, shown()) == (False, 0)


async def test_after_a_pause_one_failure_begins_the_next_pause(
    guard: CircuitBreaker, part: Part, clock: Clock
) -> None:
    await fail(guard, part, FAILURES)
    clock.now += PAUSE_SECONDS
    await fail(guard, part, 1)
    clock.now += PAUSE_SECONDS / 2
    with pytest.raises(CircuitOpen):
        guard.check()
    assert part.asked == FAILURES + 1


async def test_after_a_pause_one_call_tries_it_with_all_that_it_asks_on_the_way(
    guard: CircuitBreaker, part: Part, clock: Clock
) -> None:
    under_way, may_end = asyncio.Event(), asyncio.Event()

    async def ask_twice() -> str:
        under_way.set()
        await may_end.wait()
        async with asyncio.TaskGroup() as group:
            return await group.create_task(guard.call(part.ask, "hello"))

    await fail(guard, part, FAILURES)
    clock.now += PAUSE_SECONDS
    trying = asyncio.create_task(guard.call(ask_twice))
    await under_way.wait()

    with pytest.raises(CircuitOpen) as refused:
        await guard.call(part.ask, "hello")
    assert (refused.value.retry_after, part.asked) == (1, FAILURES)

    may_end.set()
    assert await trying == "hello"
    assert await guard.call(part.ask, "hello") == "hello"


async def test_who_gives_up_while_trying_leaves_it_to_the_next(
    guard: CircuitBreaker, part: Part, clock: Clock
) -> None:
    await fail(guard, part, FAILURES)
    clock.now += PAUSE_SECONDS
    trying = asyncio.create_task(guard.call(asyncio.sleep, 60))
    await asyncio.sleep(0)
    trying.cancel()
    with pytest.raises(asyncio.CancelledError):
        await trying
    assert await guard.call(part.ask, "hello") == "hello"
