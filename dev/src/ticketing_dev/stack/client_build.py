"""Install, build and serve the client.

A build is kept until the sources change. Each build has its own folder, so a running stack keeps
the one it serves.

`python -m ticketing_dev.stack.client_build install` installs the packages, `build` also builds.
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
from ticketing_dev.stack.processes.ports import HOST
from ticketing_dev.tools import node

CLIENT = ROOT / "client"
BUILDS = CLIENT / ".served"
MAX_BUILDS = 3
NOT_SOURCES = {
    *("node_modules", "tests", "test-results", "next-env.d.ts"),
    *("biome.json", "Dockerfile"),
}

# A build needs no linters and no test packages.
OMIT_DEV = " --omit=dev"

Report = Callable[[str], object]


class ClientBuildError(Exception):
    """npm or Next.js failed. The message contains the last lines of the output."""


def install(report: Report) -> None:
    """Install the packages of the lock file into `node_modules`.

    Raises:
        ClientBuildError: npm failed.
    """
    with _exclusive():
        _install(report, "")


def _install(report: Report, omit: str) -> None:
    lock = hashlib.sha256((CLIENT / "package-lock.json").read_bytes()).hexdigest()
    stamp = CLIENT / "node_modules" / ".installed"
    installed = stamp.read_text() if stamp.exists() else ""
    if installed not in (lock, lock + omit):
        report("Installing the client's packages")
        _run("npm", "ci", *omit.split())
        stamp.write_text(lock + omit)


def server_command(report: Report) -> tuple[str, ...]:
    """Build the client if it has changed and return the command that serves it."""
    server = build(report) / "server" / "main.mjs"
    return (str(node.folder() / "node"), str(server))


def dev_server_command(report: Report) -> Callable[[int], tuple[str, ...]]:
    """Install the client and return the command, by port, of its reloading development server."""
    install(report)
    bundled = CLIENT / "node_modules" / "next" / "dist" / "bin" / "next"
    command = (str(node.folder() / "node"), str(bundled), "dev", str(CLIENT))
    return lambda port: (*command, "--hostname", HOST, "--port", str(port))


def build(report: Report) -> Path:
    """Build the current sources unless that build exists; return its folder.

    Raises:
        ClientBuildError: npm or Next.js failed.
    """
    folder = BUILDS / _digest()
    with _exclusive():
        if not folder.exists():
            _install(report, OMIT_DEV)
            report("Building the client")
            _run("npm", "run", "build")
            _move_build(CLIENT / ".next", folder)
        folder.touch()
        for old in sorted(BUILDS.glob("*/"), key=_age)[MAX_BUILDS:]:
            shutil.rmtree(old, ignore_errors=True)
    return folder


def _move_build(output: Path, folder: Path) -> None:
    """Move the server and its static files to `folder` atomically."""
    unfinished = BUILDS / "unfinished"
    shutil.rmtree(unfinished, ignore_errors=True)
    shutil.move(output / "standalone", unfinished)
    shutil.copytree(output / "static", unfinished / ".next" / "static")
    unfinished.rename(folder)


def _digest() -> str:
    digest = hashlib.sha256()
    for path in sorted(_sources(CLIENT)):
        digest.update(f"{path.relative_to(CLIENT)}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def _sources(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        if path.name.startswith(".") or path.name in NOT_SOURCES:
            continue
        if path.is_dir():
            yield from _sources(path)
        else:
            yield path


def _age(folder: Path) -> float:
    return -folder.stat().st_mtime


@contextmanager
def _exclusive() -> Iterator[None]:
    """Run one build at a time; a concurrent caller waits and then finds the result."""
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
        last_lines = "\n  ".join(done.stdout.splitlines()[-30:])
        raise ClientBuildError(f"`{' '.join(command)}` failed in client/:\n  {last_lines}")


if __name__ == "__main__":
    {"install": install, "build": build}[sys.argv[1]](print)
