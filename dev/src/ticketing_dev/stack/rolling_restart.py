"""A rolling restart: one process after the other leaves the ingress, ends, and comes back."""

import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from ticketing_dev.stack import lock
from ticketing_dev.stack.control import Refused
from ticketing_dev.stack.definition import SERVICES
from ticketing_dev.stack.folder import Folder
from ticketing_dev.stack.processes import SERVICE_GRACE_SECONDS
from ticketing_dev.stack.state import PartState

PATIENCE_SECONDS = 120.0
LEAVING_SECONDS = 5.0
"""From new routes to the process' end, at most: as long as a pod's preStop, for its reason."""
LOOK_EVERY_SECONDS = 0.05

Say = Callable[[str], None]


def restart(folder: Folder, services: Sequence[str], say: Say) -> None:
    """Restart all processes of these services, or of all. Raises Refused."""
    if lock.holder(folder.lock) is None:
        raise Refused(f"No stack runs on {folder.path}. `ticketing up` starts one.")
    if unknown := sorted(set(services) - set(SERVICES)):
        raise Refused(f"There is no service {unknown[0]}. There are: {', '.join(SERVICES)}.")
    for service in services or SERVICES:
        replicas = [part for part in _parts(folder) if part.name.partition("-")[0] == service]
        if len(replicas) == 1:
            say(f"{service} has one process: until it is back, it answers nobody")
        for replica in replicas:
            began = time.monotonic()
            with _out_of_the_ingress(folder, replica, len(replicas)):
                _again(folder, replica)
            say(f"{replica.name} is back after {time.monotonic() - began:.1f} s")


def _parts(folder: Folder) -> list[PartState]:
    state = folder.state
    return list(state.parts) if state is not None else []


def _part(folder: Folder, name: str) -> PartState:
    return next(part for part in _parts(folder) if part.name == name)


def _again(folder: Folder, part: PartState) -> None:
    """End the process; whoever keeps it starts it again. Raises Refused where it stays away."""
    if part.pid is not None:
        with suppress(psutil.NoSuchProcess):  # it has just died by itself
            _end(psutil.Process(part.pid))

    def is_back() -> bool:
        now = _part(folder, part.name)
        return now.state == "ready" and now.pid not in (None, part.pid)

    _wait(is_back, f"{part.name} did not come back. `ticketing logs {part.name}` says why.")


def _end(process: psutil.Process) -> None:
    process.terminate()
    try:
        process.wait(SERVICE_GRACE_SECONDS)
    except psutil.TimeoutExpired:  # as a cluster does
        process.kill()


@contextmanager
def _out_of_the_ingress(folder: Folder, part: PartState, replicas: int) -> Iterator[None]:
    """As a cluster does with a pod that is about to end: nobody new is sent to it."""
    config = folder.path / "ingress" / "nginx.conf"
    before = config.read_text()
    listed = f"server {part.address} "
    if replicas == 1 or listed not in before:
        yield
        return
    old = _reload(folder, config, before.replace(listed, f"{listed}down "))
    _let_go(old)
    try:
        yield
    finally:
        _reload(folder, config, before)


def _reload(folder: Folder, config: Path, text: str) -> set[psutil.Process]:
    """Have nginx take new routes. Gives the workers that are still on older ones."""
    pid = _part(folder, "ingress").pid
    if pid is None:
        raise Refused("The ingress is down. `ticketing logs ingress` says why.")
    master = psutil.Process(pid)
    old = set(master.children())
    config.write_text(text)
    master.send_signal(signal.SIGHUP)
    _wait(
        lambda: bool(set(master.children()) - old),
        "The ingress did not take its new routes. `ticketing logs ingress` says why.",
    )
    return old


def _let_go(workers: set[psutil.Process]) -> None:
    """Wait until these begin no request any more: a request may be on its way.

    Most are gone at once. One that stays longer is in an answer, which the process still gives when
    it is asked to end, or in a stream of events, which has no end.
    """
    psutil.wait_procs(workers, timeout=LEAVING_SECONDS)


def _wait(is_so: Callable[[], bool], complaint: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        if time.monotonic() > deadline:
            raise Refused(complaint)
        time.sleep(LOOK_EVERY_SECONDS)
