"""Third-party linters, which run without the network."""

import subprocess
import sys
from pathlib import Path

BIN = Path(sys.executable).parent


def lint(tool: str, *arguments: str | Path, folder: Path | None = None) -> str:
    """Run a linter. Returns its output, or nothing if it finds no fault."""
    result = subprocess.run(
        [BIN / tool, *arguments],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return result.stdout or f"{tool} exited with {result.returncode}" if result.returncode else ""
