import asyncio
from collections import Counter

import pytest

from ticketing_common.admission import (
    FIRST_ESTIMATE_SECONDS,
    MAX_RETRY_AFTER_SECONDS,
    MAX_WAIT_SECONDS,
    AdmissionQueue,
)
from ticketing_common.web.middleware.concurrency_limit import ServiceOverloaded

LIMIT = 2


def full_queue(max_wait_seconds: float = MAX_WAIT_SECONDS) -> AdmissionQueue:
    """Return a queue whose slots are all taken."""
    queue = AdmissionQueue(LIMIT, ServiceOverloaded, max_wait_seconds=max_wait_seconds)
    while queue.admit_now():
        pass
    return queue


async def waiting(queue: AdmissionQueue) -> "asyncio.Task[None]":
    """Return the task of one more request, once it waits or was refused."""
    task = asyncio.create_task(queue.wait())
    await asyncio.sleep(0)
    return task


async def test_queue_admits_in_the_order_of_arrival() -> None:
    queue = full_queue()
    first, second = [await waiting(queue) for _ in range(2)]

    queue.release()

    await first
    assert not second.done()
    queue.release()
    await second
    assert queue.in_progress == LIMIT


async def test_request_that_is_not_admitted_in_time_is_refused() -> None:
    queue = full_queue(max_wait_seconds=0.01)

    with pytest.raises(ServiceOverloaded):
        await queue.wait()

    assert (queue.in_progress, queue.waiting) == (LIMIT, 0)


async def test_slot_of_a_cancelled_request_is_passed_on() -> None:
    queue = full_queue()
    first, second = [await waiting(queue) for _ in range(2)]

    queue.release()  # admits the first one, which is cancelled before it runs
    first.cancel()

    await second
    assert first.cancelled()
    assert queue.in_progress == LIMIT


async def test_cancelled_request_leaves_the_queue() -> None:
    queue = full_queue()
    first = await waiting(queue)

    first.cancel()
    await asyncio.wait([first])

    assert (queue.in_progress, queue.waiting) == (LIMIT, 0)


async def test_resumed_request_counts_although_the_limit_is_reached() -> None:
    queue = full_queue()
    queue.resume()
    task = await waiting(queue)

    queue.release()
    await asyncio.sleep(0)
    assert not task.done()

    queue.release()
    await task


async def test_refused_clients_return_at_the_rate_at_which_they_can_be_served() -> None:
    queue = full_queue()
    requests = [asyncio.create_task(queue.wait()) for _ in range(1200)]
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
    queue = full_queue()
    delays = [queue._retry_after() for _ in range(10_000)]

    assert max(delays) <= MAX_RETRY_AFTER_SECONDS + 1
    assert max(Counter(delays).values()) < len(delays) / 10


async def test_slow_requests_shorten_the_queue() -> None:
    queue = full_queue()
    for _ in range(20):
        task, other = await waiting(queue), await waiting(queue)
        queue.release()
        await task
        await asyncio.sleep(0.05)
        queue.release()
        await other

    requests = [await waiting(queue)]
    while not requests[-1].done():
        requests.append(await waiting(queue))
    for request in requests:
        request.cancel()
    await asyncio.gather(*requests, return_exceptions=True)
    assert len(requests) < MAX_WAIT_SECONDS / FIRST_ESTIMATE_SECONDS / 1.5


def queue_of_addresses(max_waiting: int = 4) -> AdmissionQueue:
    """Return a queue with one slot, which is taken, and few places to wait."""
    queue = AdmissionQueue(1, ServiceOverloaded, max_waiting=max_waiting)
    queue.admit_now()
    return queue


async def waiting_from(queue: AdmissionQueue, address: str) -> "asyncio.Task[None]":
    task = asyncio.create_task(queue.wait(address))
    await asyncio.sleep(0)
    return task


async def test_addresses_take_turns() -> None:
    queue = queue_of_addresses(max_waiting=10)
    tasks = {
        name: await waiting_from(queue, name[0]) for name in ("a1", "a2", "a3", "b1", "c1", "b2")
    }
    admitted = []

    while queue.waiting:
        queue.release()
        await asyncio.sleep(0)
        admitted += [name for name, task in tasks.items() if task.done() and name not in admitted]

    assert admitted == ["a1", "b1", "c1", "a2", "b2", "a3"]


async def test_full_queue_refuses_the_last_request_of_the_address_with_most() -> None:
    queue = queue_of_addresses(max_waiting=4)
    flood = [await waiting_from(queue, "flood") for _ in range(4)]

    right = await waiting_from(queue, "right")

    with pytest.raises(ServiceOverloaded):
        await flood[3]
    assert not any(task.done() for task in (right, *flood[:3]))
    assert (queue.waiting, queue.in_progress) == (4, 1)
    with pytest.raises(ServiceOverloaded):
        await queue.wait("flood")
    queue.release()
    queue.release()
    await asyncio.gather(flood[0], right)
    for task in flood[1:3]:
        task.cancel()


async def test_request_is_not_refused_for_those_of_another_address() -> None:
    queue = AdmissionQueue(1, ServiceOverloaded, max_wait_seconds=10 * FIRST_ESTIMATE_SECONDS)
    queue.admit_now()
    flood = [await waiting_from(queue, "flood") for _ in range(10)]

    with pytest.raises(ServiceOverloaded):
        await queue.wait("flood")
    right = await waiting_from(queue, "right")

    assert not right.done()
    for task in (*flood, right):
        task.cancel()
    await asyncio.gather(*flood, right, return_exceptions=True)
    assert queue.waiting == 0
