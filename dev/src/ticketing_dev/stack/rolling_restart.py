"""Rolling restart: replace one process after the other while the ingress sends it no requests."""

import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from ticketing_common.topology import SERVICE_NAMES
from ticketing_dev.stack import lock
from ticketing_dev.stack.folder import DataFolder
from ticketing_dev.stack.lifecycle import StackError, not_running
from ticketing_dev.stack.processes.services import SERVICE_STOP_SECONDS
from ticketing_dev.stack.supervision.state import ProcessState

TIMEOUT_SECONDS = 120.0
DRAIN_SECONDS = 5.0
"""The longest time between new routes and SIGTERM: a pod's preStop sleep, for the same reason."""
POLL_SECONDS = 0.05

Report = Callable[[str], None]


def restart(folder: DataFolder, services: Sequence[str], report: Report) -> None:
    """Restart all processes of the named services, or of all services.

    Raises:
        StackError: no stack is running, a service is unknown, or a process did not come back.
    """
    if lock.holder(folder.lock) is None:
        raise not_running(folder)
    if unknown := sorted(set(services) - set(SERVICE_NAMES)):
        known = ", ".join(SERVICE_NAMES)
        raise StackError(f"Unknown service {unknown[0]}. The services are {known}.")
    for service in services or SERVICE_NAMES:
        replicas = [
            process for process in _processes(folder) if process.name.partition("-")[0] == service
        ]
        if len(replicas) == 1:
            report(f"{service} has one process and is unavailable during the restart")
        for replica in replicas:
            started_at = time.monotonic()
            with _drained(folder, replica, len(replicas)):
                _restart_process(folder, replica)
            report(f"{replica.name} restarted in {time.monotonic() - started_at:.1f} s")


def _processes(folder: DataFolder) -> list[ProcessState]:
    state = folder.state
    return list(state.processes) if state is not None else []


def _process(folder: DataFolder, name: str) -> ProcessState:
    return next(process for process in _processes(folder) if process.name == name)


def _restart_process(folder: DataFolder, process: ProcessState) -> None:
    """Stop the process and wait until the supervisor has restarted it. Raises StackError."""
    if process.pid is not None:
        with suppress(psutil.NoSuchProcess):  # it has just ended by itself
            _stop(psutil.Process(process.pid))

    def is_back() -> bool:
        now = _process(folder, process.name)
        return now.state == "ready" and now.pid not in (None, process.pid)

    name = process.name
    _wait_until(is_back, f"{name} did not restart. See `ticketing logs {name}`.")


def _stop(process: psutil.Process) -> None:
    process.terminate()
    try:
        process.wait(SERVICE_STOP_SECONDS)
    except psutil.TimeoutExpired:  # as Kubernetes does
        process.kill()


@contextmanager
def _drained(folder: DataFolder, process: ProcessState, replicas: int) -> Iterator[None]:
    """Remove a process from the ingress for the block, as Kubernetes does with an ending pod."""
    config = folder.path / "ingress" / "nginx.conf"
    before = config.read_text()
    upstream = f"server {process.address} "
    if replicas == 1 or upstream not in before:
        yield
        return
    old_workers = _reload(folder, config, before.replace(upstream, f"{upstream}down "))
    _wait_for_workers(old_workers)
    try:
        yield
    finally:
        _reload(folder, config, before)


def _reload(folder: DataFolder, config: Path, text: str) -> set[psutil.Process]:
    """Reload nginx with new routes. Return the workers that still have the old routes."""
    pid = _process(folder, "ingress").pid
    if pid is None:
        raise StackError("The ingress is not running. See `ticketing logs ingress`.")
    master = psutil.Process(pid)
    old_workers = set(master.children())
    config.write_text(text)
    master.send_signal(signal.SIGHUP)
    _wait_until(
        lambda: bool(set(master.children()) - old_workers),
        "The ingress did not load its new routes. See `ticketing logs ingress`.",
    )
    return old_workers


def _wait_for_workers(workers: set[psutil.Process]) -> None:
    """Wait until these workers start no more requests; one can be in transit.

    Most end at once. A worker that stays is sending a response, which the service still completes
    after SIGTERM, or a server-sent event stream, which never ends.
    """
    psutil.wait_procs(workers, timeout=DRAIN_SECONDS)


def _wait_until(condition: Callable[[], bool], error_message: str) -> None:
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise StackError(error_message)
        time.sleep(POLL_SECONDS)
