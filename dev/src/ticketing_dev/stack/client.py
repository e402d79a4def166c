"""The client as it is served: its packages, its build, and the commands that run it.

A build stays until the sources change. Each is in a folder of its own, so that a stack that still
runs keeps what it serves.

`python -m ticketing_dev.stack.client install` has its packages, `build` makes the build too.
"""

import fcntl
import hashlib
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ticketing_dev.checkout import ROOT
from ticketing_dev.stack.ports import HOST
from ticketing_dev.tools import node

CLIENT = ROOT / "client"
BUILDS = CLIENT / ".served"
KEPT_BUILDS = 3
NO_SOURCES = {
    *("node_modules", "tests", "test-results", "next-env.d.ts"),
    *("biome.json", "Dockerfile"),
}

# A build needs none of the tools that check and try the client.
WITHOUT_TOOLS = " --omit=dev"

Say = Callable[[str], object]


class NotBuilt(Exception):
    """npm or Next.js gave up; tells their last words."""


def install(say: Say) -> None:
    """Have the packages of the lock file in `node_modules`. Raises NotBuilt."""
    with _alone():
        _install(say, "")


def _install(say: Say, without: str) -> None:
    lock = hashlib.sha256((CLIENT / "package-lock.json").read_bytes()).hexdigest()
    stamp = CLIENT / "node_modules" / ".installed"
    installed = stamp.read_text() if stamp.exists() else ""
    if installed not in (lock, lock + without):
        say("Installing the client's packages")
        _run("npm", "ci", *without.split())
        stamp.write_text(lock + without)


def serving(say: Say) -> tuple[str, ...]:
    """The command that serves the client as it is now; builds it first where it has changed."""
    server = built(say) / "server.js"
    return (str(node.folder() / "node"), str(server))


def developing(say: Say) -> Callable[[int], tuple[str, ...]]:
    """The command, for a port, that serves the client and follows each change of its sources."""
    install(say)
    bundled = CLIENT / "node_modules" / "next" / "dist" / "bin" / "next"
    command = (str(node.folder() / "node"), str(bundled), "dev", str(CLIENT))
    return lambda port: (*command, "--hostname", HOST, "--port", str(port))


def built(say: Say) -> Path:
    """The folder of the build of the sources as they are. Raises NotBuilt."""
    build = BUILDS / _digest()
    with _alone():
        if not build.exists():
            _install(say, WITHOUT_TOOLS)
            say("Building the client")
            _run("npm", "run", "build")
            _keep(CLIENT / ".next", build)
        build.touch()
        for old in sorted(BUILDS.glob("*/"), key=_age)[KEPT_BUILDS:]:
            shutil.rmtree(old, ignore_errors=True)
    return build


def _keep(made: Path, build: Path) -> None:
    """Keep what serves the pages, whole or not at all."""
    unfinished = BUILDS / "unfinished"
    shutil.rmtree(unfinished, ignore_errors=True)
    shutil.move(made / "standalone", unfinished)
    shutil.copytree(made / "static", unfinished / ".next" / "static")
    unfinished.rename(build)


def _digest() -> str:
    digest = hashlib.sha256()
    for path in sorted(_sources(CLIENT)):
        digest.update(f"{path.relative_to(CLIENT)}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def _sources(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        if path.name.startswith(".") or path.name in NO_SOURCES:
            continue
        if path.is_dir():
            yield from _sources(path)
        else:
            yield path


def _age(build: Path) -> float:
    return -build.stat().st_mtime


@contextmanager
def _alone() -> Iterator[None]:
    """One who builds at a time; others wait, and find it built."""
    BUILDS.mkdir(exist_ok=True)
    with (BUILDS / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _run(*command: str) -> None:
    done = subprocess.run(
        command,
        cwd=CLIENT,
        env=node.environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        last = "\n  ".join(done.stdout.splitlines()[-30:])
        raise NotBuilt(f"`{' '.join(command)}` failed in client/:\n  {last}")


if __name__ == "__main__":
    {"install": install, "build": built}[sys.argv[1]](print)
