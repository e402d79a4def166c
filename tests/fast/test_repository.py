"""What stands in no file: where one machine keeps things, and whose mirror it asks for packages."""

import os
import re
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import pytest

CHECKOUT = Path(__file__).parents[2]
LOCKS = [
    "dev/uv.txt",
    "dev/kubectl.txt",
    "dev/manifests.txt",
    "dev/node.txt",
    "dev/requirements.txt",
    "dev/stand-ins.txt",
    "services/requirements.txt",
]

# Written so that they do not match themselves.
REGISTRIES = r"pypi\.org|pythonhosted\.org|registry\.npmjs\.|registry\.yarnpkg\.|proxy\.golang\."
SOMEBODYS_FOLDERS = r"/(?:home|Users)/[\w.-]+/|/(?:root|work)/[\w.-]"
CONFIGURED_BY = ["PIP_INDEX_URL", "UV_INDEX_URL", "UV_DEFAULT_INDEX", "NPM_CONFIG_REGISTRY"]


def registries() -> str:
    """The well-known hosts, and those that this machine asks instead."""
    hosts = {urlsplit(os.environ.get(name, "")).hostname for name in CONFIGURED_BY}
    return "|".join([REGISTRIES, *(re.escape(host) for host in hosts if host)])


@pytest.fixture(scope="module")
def lines() -> list[tuple[str, str]]:
    """Every line of every text file that is, or could be, committed; with where it stands."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=CHECKOUT,
        capture_output=True,
        check=True,
    )
    found = []
    for name in listed.stdout.decode().split("\0"):
        path = CHECKOUT / name
        # One that was deleted, but not in git yet, is listed too.
        data = path.read_bytes() if path.is_file() else b""
        if b"\0" not in data:
            text = data.decode(errors="replace").splitlines()
            found += [(f"{name}:{number}", line) for number, line in enumerate(text, 1)]
    return found


def test_no_file_names_a_registry_of_packages(lines: list[tuple[str, str]]) -> None:
    named = re.compile(registries())
    assert [(where, line) for where, line in lines if named.search(line)] == []


def test_no_file_names_a_folder_of_somebodys_machine(lines: list[tuple[str, str]]) -> None:
    named = re.compile(SOMEBODYS_FOLDERS)
    assert [(where, line) for where, line in lines if named.search(line)] == []


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_file_pins_every_package_by_hash_and_names_no_host(lock: str) -> None:
    text = (CHECKOUT / lock).read_text()
    assert re.findall(r".*://.*|^-.*", text, re.MULTILINE) == []
    packages = re.split(r"\n(?! )", text.strip())
    assert packages
    for package in packages:
        assert re.match(r"[a-z0-9-]+==\S+", package)
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", package)


def test_the_clients_lock_file_names_no_host() -> None:
    lines = (CHECKOUT / "client" / "package-lock.json").read_text().splitlines()
    named = [line for line in lines if "://" in line]
    assert named == [], "`cd client && npm run lock` writes it without"
