import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from ticketing_dev.stack.processes.ports import free_port, is_free
from ticketing_dev.stack.processes.spec import ProcessSpec
from ticketing_dev.stack.supervision.process import ProcessStartError
from ticketing_dev.stack.supervision.state import ProcessState
from ticketing_dev.stack.supervision.supervisor import Supervisor
from ticketing_testing.timeouts import TIMEOUT_SECONDS


@asynccontextmanager
async def kept(parts: list[ProcessSpec]) -> AsyncIterator[tuple[Supervisor, list[ProcessState]]]:
    """The parts, all ready, and all that was told of them."""
    told: list[ProcessState] = []
    ready = asyncio.Event()
    supervisor = Supervisor(parts, told.append)
    run = asyncio.create_task(supervisor.run(ready.set))
    await asyncio.wait([run, asyncio.create_task(ready.wait())], return_when="FIRST_COMPLETED")
    try:
        yield supervisor, told
    finally:
        if not run.done():
            supervisor.stop()
        await run


def chain(fakes: Any, data: Path, **fields: Any) -> list[ProcessSpec]:
    """Three parts of which each needs the one before."""
    return [
        fakes.fake_spec("a", free_port(), data),
        fakes.fake_spec("b", free_port(), data, "a", **fields),
        fakes.fake_spec("c", free_port(), data, "b"),
    ]


def told_of(told: list[ProcessState], state: str) -> list[str]:
    return [part.name for part in told if part.state == state]


async def reached(told: list[ProcessState], name: str, state: str, times: int = 1) -> None:
    async with asyncio.timeout(TIMEOUT_SECONDS):
        while sum((part.name, part.state) == (name, state) for part in told) < times:  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def test_parts_start_in_the_order_of_their_needs_and_stop_in_reverse(
    fakes: Any, tmp_path: Path
) -> None:
    parts = chain(fakes, tmp_path)
    async with kept(parts[::-1]) as (_, told):
        assert told_of(told, "ready") == ["a", "b", "c"]
    assert told_of(told, "stopped") == ["c", "b", "a"]
    assert all(is_free(part.port) for part in parts)


async def test_parts_that_do_not_need_each_other_start_side_by_side(
    fakes: Any, tmp_path: Path
) -> None:
    parts = [fakes.fake_spec(name, free_port(), tmp_path) for name in "abc"]
    async with kept(parts) as (_, told):
        assert [part.state for part in told[:3]] == ["starting"] * 3


async def test_a_part_that_dies_is_started_again(fakes: Any, tmp_path: Path) -> None:
    parts = chain(fakes, tmp_path)
    async with kept(parts) as (supervisor, told):
        before = supervisor.states[1]
        supervisor.process("b").kill()
        await reached(told, "b", "ready", times=2)
        after = supervisor.states[1]
        assert (after.restarts, after.state, after.address) == (1, "ready", before.address)
        assert after.pid != before.pid
        assert not is_free(parts[1].port)
        restarting = next(part for part in told if part.state == "restarting")
        assert restarting.note == "ended with status -9; restarting in 0.1 s"
        assert [state.restarts for state in supervisor.states] == [0, 1, 0]


async def test_a_part_that_keeps_dying_is_retried_ever_more_slowly_and_loudly(
    fakes: Any, tmp_path: Path
) -> None:
    # It starts once, and never again.
    program = "import os\nif os.path.exists('starts'): raise SystemExit('broken')\n" + fakes.LISTENS
    async with kept(chain(fakes, tmp_path, program=program)) as (supervisor, told):
        supervisor.process("b").kill()
        await reached(told, "b", "failing")
        pauses = [part.note.split()[-2] for part in told if part.state == "restarting"]
        assert pauses == ["0.1", "0.2", "0.4", "0.8"]
        failing = next(part for part in told if part.state == "failing")
        assert "broken" in failing.note
        assert [supervisor.states[i].state for i in (0, 2)] == ["ready", "ready"]


async def test_a_part_that_cannot_start_stops_all_others(fakes: Any, tmp_path: Path) -> None:
    parts = chain(fakes, tmp_path, program=fakes.EXITS_WITH_ERROR)
    told: list[ProcessState] = []
    with pytest.raises(ProcessStartError, match="b did not start: it exited with status 3"):
        await Supervisor(parts, told.append).run()
    assert told_of(told, "ready") == ["a"]
    assert told_of(told, "stopped") == ["c", "b", "a"]
    assert is_free(parts[0].port)


async def test_a_half_finished_start_can_be_stopped(fakes: Any, tmp_path: Path) -> None:
    told: list[ProcessState] = []
    parts = chain(fakes, tmp_path, program=fakes.NEVER_LISTENS, start_timeout=2 * TIMEOUT_SECONDS)
    supervisor = Supervisor(parts, told.append)
    run = asyncio.create_task(supervisor.run())
    await reached(told, "b", "starting")
    supervisor.stop()
    async with asyncio.timeout(TIMEOUT_SECONDS):
        await run
    assert told_of(told, "ready") == ["a"]
    assert all(state.pid is None and state.state == "stopped" for state in supervisor.states)


async def test_asked_twice_it_does_not_wait_for_what_will_not_stop(
    fakes: Any, tmp_path: Path
) -> None:
    parts = chain(fakes, tmp_path, program=fakes.IGNORES_SIGTERM, stop_timeout=2 * TIMEOUT_SECONDS)
    async with kept(parts) as (supervisor, told):
        supervisor.stop()
        await reached(told, "b", "stopping")
        supervisor.stop()
        async with asyncio.timeout(TIMEOUT_SECONDS):
            while told_of(told, "stopped") != ["c", "b", "a"]:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
