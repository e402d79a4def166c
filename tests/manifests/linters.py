"""Linters of other people, pinned like all else, and asked without the network."""

import subprocess
import sys
from pathlib import Path

BIN = Path(sys.executable).parent


def complaints(tool: str, *arguments: str | Path, folder: Path | None = None) -> str:
    """What the tool found fault with; nothing where it is content."""
    done = subprocess.run(
        [BIN / tool, *arguments],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.stdout or f"{tool} exited with {done.returncode}" if done.returncode else ""
