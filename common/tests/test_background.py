"""What runs beside something else ends with it."""

import asyncio

from ticketing_common.background import background


async def test_work_that_loses_its_cancellation_is_cancelled_again() -> None:
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


async def test_work_that_fails_leaves_the_others_running_until_the_end() -> None:
    async def fails() -> None:
        raise ValueError

    async with background(fails(), asyncio.sleep(60)) as (failed, other):
        await asyncio.wait([failed])
        assert not other.done()

    assert isinstance(failed.exception(), ValueError)
    assert other.cancelled()
