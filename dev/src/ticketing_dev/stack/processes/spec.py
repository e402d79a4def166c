"""The definition of one process of the stack: its command, address, readiness check and times."""

import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ticketing_dev.stack.processes.ports import HOST


@dataclass(frozen=True, kw_only=True)
class ProcessSpec:
    """One process of the stack. Immutable data: `supervision.process.Process` runs it."""

    name: str
    command: tuple[str, ...]
    port: int
    is_ready: Callable[[], bool]
    """Readiness check; it returns quickly and is polled until it returns True."""
    data: Path
    """The process's own folder: its working directory, its data and its log."""
    program: str = ""
    """The name of the program, if there is a choice. `ticketing up` shows it."""
    scheme: str = "http"
    env: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    """Configuration files by relative path, written to the folder before each start."""
    depends_on: tuple[str, ...] = ()
    """Names of the processes that must be ready before this one starts."""
    initialize: Callable[[], None] | None = None
    """Runs once the process is ready and before its dependents start. Idempotent."""
    start_timeout: float = 180.0
    """Seconds until the process must be ready; generous, for a busy machine."""
    stop_timeout: float = 10.0
    """Seconds between SIGTERM and SIGKILL."""
    orphan_signal: signal.Signals = signal.SIGKILL
    """The signal for the process when its parent dies."""

    @property
    def address(self) -> str:
        """The `host:port` that the process listens on."""
        return f"{HOST}:{self.port}"

    @property
    def url(self) -> str:
        """The address with its scheme, for clients."""
        return f"{self.scheme}://{self.address}"

    @property
    def log(self) -> Path:
        """The file that receives stdout and stderr."""
        return self.data / f"{self.name}.log"
