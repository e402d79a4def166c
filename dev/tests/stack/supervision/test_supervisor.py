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
async def supervised(
    specs: list[ProcessSpec],
) -> AsyncIterator[tuple[Supervisor, list[ProcessState]]]:
    """Run the processes; yield the supervisor and the changes of state once all are ready."""
    changes: list[ProcessState] = []
    ready = asyncio.Event()
    supervisor = Supervisor(specs, changes.append)
    run = asyncio.create_task(supervisor.run(ready.set))
    await asyncio.wait([run, asyncio.create_task(ready.wait())], return_when="FIRST_COMPLETED")
    try:
        yield supervisor, changes
    finally:
        if not run.done():
            supervisor.stop()
        await run


def chain(fakes: Any, data: Path, **fields: Any) -> list[ProcessSpec]:
    """Define three processes, each depending on the one before."""
    return [
        fakes.fake_spec("a", free_port(), data),
        fakes.fake_spec("b", free_port(), data, "a", **fields),
        fakes.fake_spec("c", free_port(), data, "b"),
    ]


def names_in_state(changes: list[ProcessState], state: str) -> list[str]:
    return [process.name for process in changes if process.state == state]


async def wait_for_state(
    changes: list[ProcessState], name: str, state: str, times: int = 1
) -> None:
    async with asyncio.timeout(TIMEOUT_SECONDS):
        while sum((process.name, process.state) == (name, state) for process in changes) < times:  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def test_supervisor_starts_dependencies_first_and_stops_in_reverse_order(
    fakes: Any, tmp_path: Path
) -> None:
    specs = chain(fakes, tmp_path)
    async with supervised(specs[::-1]) as (_, changes):
        assert names_in_state(changes, "ready") == ["a", "b", "c"]
    assert names_in_state(changes, "stopped") == ["c", "b", "a"]
    assert all(is_free(spec.port) for spec in specs)


async def test_supervisor_starts_independent_processes_in_parallel(
    fakes: Any, tmp_path: Path
) -> None:
    specs = [fakes.fake_spec(name, free_port(), tmp_path) for name in "abc"]
    async with supervised(specs) as (_, changes):
        assert [process.state for process in changes[:3]] == ["starting"] * 3


async def test_supervisor_restarts_a_killed_process(fakes: Any, tmp_path: Path) -> None:
    specs = chain(fakes, tmp_path)
    async with supervised(specs) as (supervisor, changes):
        before = supervisor.states[1]
        supervisor.process("b").kill()
        await wait_for_state(changes, "b", "ready", times=2)
        after = supervisor.states[1]
        assert (after.restarts, after.state, after.address) == (1, "ready", before.address)
        assert after.pid != before.pid
        assert not is_free(specs[1].port)
        restarting = next(process for process in changes if process.state == "restarting")
        assert restarting.note == "ended with status -9; restarting in 0.1 s"
        assert [state.restarts for state in supervisor.states] == [0, 1, 0]


async def test_supervisor_backs_off_and_reports_failing_after_five_restarts(
    fakes: Any, tmp_path: Path
) -> None:
    # It starts once, then exits at each start.
    program = "import os\nif os.path.exists('starts'): raise SystemExit('broken')\n" + fakes.LISTENS
    async with supervised(chain(fakes, tmp_path, program=program)) as (supervisor, changes):
        supervisor.process("b").kill()
        await wait_for_state(changes, "b", "failing")
        delays = [process.note.split()[-2] for process in changes if process.state == "restarting"]
        assert delays == ["0.1", "0.2", "0.4", "0.8"]
        failing = next(process for process in changes if process.state == "failing")
        assert "broken" in failing.note
        assert [supervisor.states[i].state for i in (0, 2)] == ["ready", "ready"]


async def test_supervisor_stops_all_processes_when_one_cannot_start(
    fakes: Any, tmp_path: Path
) -> None:
    specs = chain(fakes, tmp_path, program=fakes.EXITS_WITH_ERROR)
    changes: list[ProcessState] = []
    with pytest.raises(ProcessStartError, match="b did not start: it exited with status 3"):
        await Supervisor(specs, changes.append).run()
    assert names_in_state(changes, "ready") == ["a"]
    assert names_in_state(changes, "stopped") == ["c", "b", "a"]
    assert is_free(specs[0].port)


async def test_supervisor_stops_during_start(fakes: Any, tmp_path: Path) -> None:
    changes: list[ProcessState] = []
    specs = chain(fakes, tmp_path, program=fakes.NEVER_LISTENS, start_timeout=2 * TIMEOUT_SECONDS)
    supervisor = Supervisor(specs, changes.append)
    run = asyncio.create_task(supervisor.run())
    await wait_for_state(changes, "b", "starting")
    supervisor.stop()
    async with asyncio.timeout(TIMEOUT_SECONDS):
        await run
    assert names_in_state(changes, "ready") == ["a"]
    assert all(state.pid is None and state.state == "stopped" for state in supervisor.states)


async def test_supervisor_kills_all_processes_on_second_stop(fakes: Any, tmp_path: Path) -> None:
    specs = chain(fakes, tmp_path, program=fakes.IGNORES_SIGTERM, stop_timeout=2 * TIMEOUT_SECONDS)
    async with supervised(specs) as (supervisor, changes):
        supervisor.stop()
        await wait_for_state(changes, "b", "stopping")
        supervisor.stop()
        async with asyncio.timeout(TIMEOUT_SECONDS):
            while names_in_state(changes, "stopped") != ["c", "b", "a"]:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
