import asyncio

from ticketing_common.background import background


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
