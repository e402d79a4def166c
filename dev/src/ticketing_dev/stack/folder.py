"""The data folder of a stack."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from ticketing_dev.checkout import INGRESS, ROOT
from ticketing_dev.stack.supervision.state import StackState


@dataclass(frozen=True)
class DataFolder:
    """The files of a stack. Each process has its own folder beside them."""

    path: Path

    @classmethod
    def of_checkout(cls) -> "DataFolder":
        """Return `.ticketing/` at the top of the checkout that the working directory is in."""
        here = Path.cwd()
        for folder in (here, *here.parents):
            if (folder / INGRESS.relative_to(ROOT)).exists():
                return cls(folder / ".ticketing")
        return cls(here / ".ticketing")

    @property
    def lock(self) -> Path:
        """The file locked by the running stack."""
        return self.path / "lock"

    @property
    def secrets(self) -> Path:
        """The secrets of the stack."""
        return self.path / "secrets.json"

    @property
    def log(self) -> Path:
        """The output of a detached stack."""
        return self.path / "stack.log"

    @property
    def state(self) -> StackState | None:
        """The current or last state; None before the first start."""
        return StackState.read(self._state_file)

    def write(self, state: StackState) -> None:
        """Write the state file."""
        state.write(self._state_file)

    def clear(self) -> None:
        """Remove all files of stacks, and no other files of the folder."""
        for process in self.state.processes if self.state else []:
            shutil.rmtree(self.path / process.name, ignore_errors=True)
        for file in (self._state_file, self.secrets, self.log):
            file.unlink(missing_ok=True)

    @property
    def _state_file(self) -> Path:
        return self.path / "state.json"
