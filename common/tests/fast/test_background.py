import asyncio

import pytest

from ticketing_common.background import background, run_again, run_until_failure
from ticketing_common.backoff import Backoff


async def test_background_cancels_again_after_a_lost_cancellation() -> None:
    lost = 0

    async def deaf() -> None:
        nonlocal lost
        while True:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                if lost:
                    raise
                lost += 1

    async with background(deaf()) as (task,):
        await asyncio.sleep(0)

    assert task.cancelled()
    assert lost == 1


async def test_background_failure_leaves_other_tasks_running() -> None:
    async def fails() -> None:
        raise ValueError

    async with background(fails(), asyncio.sleep(60)) as (failed, other):
        await asyncio.wait([failed])
        assert not other.done()

    assert isinstance(failed.exception(), ValueError)
    assert other.cancelled()


async def test_background_ends_its_tasks_although_its_own_end_is_cancelled() -> None:
    begun, lost = asyncio.Event(), asyncio.Event()

    async def loses_first_cancellation() -> None:
        begun.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            lost.set()
        await asyncio.sleep(60)

    tasks: list[asyncio.Task[None]] = []

    async def run() -> None:
        async with background(loses_first_cancellation()) as started:
            tasks.extend(started)
            await begun.wait()

    running = asyncio.create_task(run())
    await lost.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running

    assert tasks[0].cancelled()


async def test_run_until_failure_raises_it_although_another_task_loses_its_cancellation() -> None:
    begun = asyncio.Event()

    async def loses_first_cancellation() -> None:
        begun.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            await asyncio.sleep(60)

    async def fails() -> None:
        await begun.wait()
        raise ValueError

    async with asyncio.timeout(30):
        with pytest.raises(ValueError):  # noqa: PT011
            await run_until_failure(loses_first_cancellation(), fails())


async def test_run_again_waits_longer_after_each_failure_and_raises_other_errors() -> None:
    delays: list[float] = []
    causes = iter([OSError(), OSError(), OSError(), KeyError()])

    async def fail() -> None:
        raise next(causes)

    with pytest.raises(KeyError):
        await run_again(
            fail,
            (OSError,),
            Backoff(0.001, 0.003),
            on_failure=lambda _, delay: delays.append(delay),
        )

    assert delays == [0.001, 0.002, 0.003]
