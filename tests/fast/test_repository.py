"""Names that no file may contain: package registries and folders of one machine."""

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

# These patterns do not match themselves.
REGISTRIES = r"pypi\.org|pythonhosted\.org|registry\.npmjs\.|registry\.yarnpkg\.|proxy\.golang\."
PERSONAL_FOLDERS = r"/(?:home|Users)/[\w.-]+/|/(?:root|work)/[\w.-]"
REGISTRY_VARIABLES = ["PIP_INDEX_URL", "UV_INDEX_URL", "UV_DEFAULT_INDEX", "NPM_CONFIG_REGISTRY"]


def registries() -> str:
    """Return a pattern of the well-known hosts and of those that this machine uses instead."""
    hosts = {urlsplit(os.environ.get(name, "")).hostname for name in REGISTRY_VARIABLES}
    return "|".join([REGISTRIES, *(re.escape(host) for host in hosts if host)])


@pytest.fixture(scope="module")
def lines() -> list[tuple[str, str]]:
    """The lines of all text files that are or can be committed, each with its file and number."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=CHECKOUT,
        capture_output=True,
        check=True,
    )
    found = []
    for name in listed.stdout.decode().split("\0"):
        path = CHECKOUT / name
        # git also lists a deleted file until the deletion is committed.
        data = path.read_bytes() if path.is_file() else b""
        if b"\0" not in data:
            text = data.decode(errors="replace").splitlines()
            found += [(f"{name}:{number}", line) for number, line in enumerate(text, 1)]
    return found


def test_no_file_names_a_package_registry(lines: list[tuple[str, str]]) -> None:
    named = re.compile(registries())
    assert [(where, line) for where, line in lines if named.search(line)] == []


def test_no_file_names_a_personal_folder(lines: list[tuple[str, str]]) -> None:
    named = re.compile(PERSONAL_FOLDERS)
    assert [(where, line) for where, line in lines if named.search(line)] == []


@pytest.mark.parametrize("lock", LOCKS)
def test_lock_file_has_hashes_and_no_hosts(lock: str) -> None:
    text = (CHECKOUT / lock).read_text()
    assert re.findall(r".*://.*|^-.*", text, re.MULTILINE) == []
    packages = re.split(r"\n(?! )", text.strip())
    assert packages
    for package in packages:
        assert re.match(r"[a-z0-9-]+==\S+", package)
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", package)


def test_client_lock_file_has_no_hosts() -> None:
    lines = (CHECKOUT / "client" / "package-lock.json").read_text().splitlines()
    named = [line for line in lines if "://" in line]
    assert named == [], "Run `cd client && npm run lock`."
