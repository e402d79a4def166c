"""The builds of MongoDB's server that can be installed, with their pinned digests."""

import json
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ticketing_dev.checkout import ROOT

FILE = Path(__file__).with_name("builds.json")
FOLDER = ROOT / ".mongod"
"""Contains the installed binary. Ignored by git."""

LINUX: dict[str, list[tuple[tuple[int, ...], str]]] = {
    "amzn": [((2023,), "amazon2023")],
    "debian": [((12,), "debian12")],
    "rhel": [((8,), "rhel8"), ((9,), "rhel93")],
    "ubuntu": [((20, 4), "ubuntu2004"), ((22, 4), "ubuntu2204"), ((24, 4), "ubuntu2404")],
}
"""The builds for each distribution, by the oldest release that they run on."""
SAME_AS_RHEL = ("almalinux", "centos", "ol", "rocky")


class UnknownPlatform(Exception):
    """MongoDB has no build for this machine, or none with this name."""


@dataclass(frozen=True)
class Build:
    """One archive of MongoDB's download server."""

    platform: str
    version: str
    sha256: str | None
    """The pinned digest of the archive, None if it is not pinned."""

    @property
    def name(self) -> str:
        """The name of the archive, and of the folder in it."""
        return f"mongodb-{self.platform}-{self.version}"

    @property
    def path(self) -> str:
        """The path of the archive on the download server."""
        folder = "osx" if self.platform.startswith("macos") else "linux"
        return f"/{folder}/{self.name}.tgz"


def builds(file: Path = FILE) -> dict[str, Build]:
    """Return all builds by platform."""
    content = json.loads(file.read_text())
    version = content["version"]
    return {name: Build(name, version, digest) for name, digest in content["sha256"].items()}


def binary(folder: Path = FOLDER, file: Path = FILE) -> Path:
    """Return the path at which the server of the pinned version is, once it is installed."""
    return folder / f"mongod-{json.loads(file.read_text())['version']}"


def this_platform() -> str:
    """Return the name of the build for this machine.

    Raises:
        UnknownPlatform: MongoDB has none.
    """
    system, machine = platform.system(), platform.machine()
    if system == "Darwin":
        return f"macos-{machine}"
    if system != "Linux" or platform.libc_ver()[0] != "glibc":
        raise UnknownPlatform(f"MongoDB has no build for {system} on {machine} without glibc")
    return linux_platform(machine, platform.freedesktop_os_release())


def linux_platform(machine: str, release: Mapping[str, str]) -> str:
    """Return the name of the newest build for a Linux distribution, described as in os-release.

    Raises:
        UnknownPlatform: MongoDB has none.
    """
    name, version = release["ID"], release.get("VERSION_ID", "")
    machine = {"arm64": "aarch64", "amd64": "x86_64"}.get(machine, machine)
    number = tuple(int(part) for part in version.split(".") if part.isdecimal())
    targets = LINUX.get("rhel" if name in SAME_AS_RHEL else name, [])
    fitting = [target for oldest, target in targets if number >= oldest]
    if not fitting:
        raise UnknownPlatform(f"MongoDB has no build for {name} {version}")
    return f"linux-{machine}-{fitting[-1]}"


def build_for(platform_name: str) -> Build:
    """Return a build by platform.

    Raises:
        UnknownPlatform: There is none.
    """
    known = builds()
    if platform_name not in known:
        raise UnknownPlatform(f"MongoDB has no build {platform_name}. It has: {', '.join(known)}")
    return known[platform_name]
