import asyncio
from collections import Counter

import pytest

from ticketing_common.turns import (
    FIRST_ESTIMATE_SECONDS,
    MAX_RETRY_AFTER_SECONDS,
    MAX_WAIT_SECONDS,
    Turns,
)
from ticketing_common.web.middleware.concurrency_limit import ServiceOverloaded

LIMIT = 2


def busy_turns(max_wait_seconds: float = MAX_WAIT_SECONDS) -> Turns:
    """Return turns that are all taken."""
    turns = Turns(LIMIT, ServiceOverloaded, max_wait_seconds=max_wait_seconds)
    while turns.start_now():
        pass
    return turns


async def waiting(turns: Turns) -> "asyncio.Task[None]":
    """Return the task of one more request, once it waits or was refused."""
    task = asyncio.create_task(turns.wait())
    await asyncio.sleep(0)
    return task


async def test_turns_come_in_the_order_of_arrival() -> None:
    turns = busy_turns()
    first, second = [await waiting(turns) for _ in range(2)]

    turns.finish()

    await first
    assert not second.done()
    turns.finish()
    await second
    assert turns.in_progress == LIMIT


async def test_turn_that_does_not_come_in_time_is_refused() -> None:
    turns = busy_turns(max_wait_seconds=0.01)

    with pytest.raises(ServiceOverloaded):
        await turns.wait()

    assert (turns.in_progress, turns.waiting) == (LIMIT, 0)


async def test_turn_of_a_cancelled_request_is_passed_on() -> None:
    turns = busy_turns()
    first, second = [await waiting(turns) for _ in range(2)]

    turns.finish()  # gives the turn to the first one, which is cancelled before it runs
    first.cancel()

    await second
    assert first.cancelled()
    assert turns.in_progress == LIMIT


async def test_cancelled_request_leaves_the_queue() -> None:
    turns = busy_turns()
    first = await waiting(turns)

    first.cancel()
    await asyncio.wait([first])

    assert (turns.in_progress, turns.waiting) == (LIMIT, 0)


async def test_resumed_request_counts_although_the_limit_is_reached() -> None:
    turns = busy_turns()
    turns.resume()
    task = await waiting(turns)

    turns.finish()
    await asyncio.sleep(0)
    assert not task.done()

    turns.finish()
    await task


async def test_refused_clients_return_at_the_rate_at_which_they_can_be_served() -> None:
    turns = busy_turns()
    requests = [asyncio.create_task(turns.wait()) for _ in range(1200)]
    await asyncio.sleep(0)
    refused: Counter[int] = Counter()
    for request in requests:
        if request.done():
            error = request.exception()
            assert isinstance(error, ServiceOverloaded)
            assert error.retry_after is not None
            refused[error.retry_after] += 1
        else:
            request.cancel()
    await asyncio.gather(*requests, return_exceptions=True)

    per_second = 1 / FIRST_ESTIMATE_SECONDS
    assert sum(refused.values()) == 1200 - per_second * MAX_WAIT_SECONDS
    assert min(refused) >= MAX_WAIT_SECONDS
    assert max(refused.values()) < 2 * per_second


async def test_retry_after_has_a_maximum() -> None:
    turns = busy_turns()
    delays = [turns._retry_after() for _ in range(10_000)]

    assert max(delays) <= MAX_RETRY_AFTER_SECONDS + 1
    assert max(Counter(delays).values()) < len(delays) / 10


async def test_slow_turns_shorten_the_queue() -> None:
    turns = busy_turns()
    for _ in range(20):
        task, other = await waiting(turns), await waiting(turns)
        turns.finish()
        await task
        await asyncio.sleep(0.05)
        turns.finish()
        await other

    accepted = 0
    while not (await waiting(turns)).done():
        accepted += 1
    assert accepted < MAX_WAIT_SECONDS / FIRST_ESTIMATE_SECONDS / 1.5
