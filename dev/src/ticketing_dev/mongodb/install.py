"""Download, verify and install MongoDB's server."""

import errno
import hashlib
import re
import shutil
import subprocess
import tarfile
import zlib
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx

from ticketing_dev.mongodb.builds import Build

DOWNLOADS = "https://fastdl.mongodb.org"
MAX_BYTES = 1024**3
"""More than any archive or server has."""
START_SECONDS = 60

Report = Callable[[int, int | None], None]
"""Takes the bytes that have arrived and their total number, if known."""


class InstallError(Exception):
    """The server was not installed; a server that was installed before is unchanged."""


def published_digest(client: httpx.Client, build: Build) -> str:
    """Fetch the SHA-256 that MongoDB publishes for an archive.

    Raises:
        InstallError: It cannot be fetched, or not over TLS.
    """
    url = client.base_url.join(f"{build.path}.sha256")
    if url.scheme != "https":
        raise InstallError(f"{url}: a digest that is not pinned is fetched over TLS only")
    try:
        response = client.get(url).raise_for_status()
    except httpx.HTTPError as error:
        raise _not_downloaded(url, error) from error
    found = re.match(r"([0-9a-f]{64})\s+\*?(\S+)\s*$", response.text)
    if not found or found[2] != f"{build.name}.tgz":
        raise InstallError(f"{url} is not the digest of {build.name}.tgz")
    return found[1]


def install(build: Build, target: Path, client: httpx.Client, report: Report) -> None:
    """Install the server at `target`; replace the former one only when all has succeeded.

    `client` has the download server as its base URL.

    Raises:
        InstallError: A download fails, the digest differs, the disk is full, or the server does
            not run on this machine.
    """
    digest = build.sha256 or published_digest(client, build)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=target.parent, prefix=".install-") as folder:
            archive, server = Path(folder) / "archive.tgz", Path(folder) / "mongod"
            found = _download(client, build, archive, report)
            if found != digest:
                raise InstallError(
                    f"{build.name}.tgz has the SHA-256 {found}, not {digest}. Nothing is installed."
                )
            _extract(archive, f"{build.name}/bin/mongod", server)
            _check_that_it_runs(server)
            server.replace(target)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise InstallError(
                f"The disk is full: {target.parent}. Nothing is installed."
            ) from error
        raise InstallError(f"Cannot write to {target.parent}: {error.strerror}") from error


def _download(client: httpx.Client, build: Build, file: Path, report: Report) -> str:
    """Download an archive and return its SHA-256."""
    digest, received = hashlib.sha256(), 0
    url = client.base_url.join(build.path)
    try:
        with client.stream("GET", url) as response, file.open("wb") as opened:
            response.raise_for_status()
            total = int(response.headers.get("Content-Length", 0)) or None
            for chunk in response.iter_raw():
                received += len(chunk)
                if received > MAX_BYTES:
                    raise InstallError(f"{url} has more than {MAX_BYTES} bytes")
                digest.update(chunk)
                opened.write(chunk)
                report(received, total)
    except httpx.HTTPError as error:
        raise _not_downloaded(url, error) from error
    return digest.hexdigest()


def _extract(archive: Path, name: str, file: Path) -> None:
    """Write one regular file of an archive; no path in the archive is used."""
    try:
        with tarfile.open(archive, "r|gz") as opened:
            for member in opened:
                if member.name == name and member.isreg() and member.size <= MAX_BYTES:
                    content = opened.extractfile(member)
                    assert content
                    with file.open("wb") as written:
                        shutil.copyfileobj(content, written)
                    file.chmod(0o755)
                    return
    except (tarfile.TarError, EOFError, zlib.error) as error:
        raise InstallError(f"The archive is damaged: {error}") from error
    raise InstallError(f"The archive does not contain {name}")


def _check_that_it_runs(server: Path) -> None:
    try:
        subprocess.run(
            [server, "--version"], capture_output=True, check=True, text=True, timeout=START_SECONDS
        )
    except subprocess.CalledProcessError as error:
        hint = ". MongoDB needs a CPU with AVX" if error.returncode == -4 else ""
        reason = error.stderr.strip() or f"status {error.returncode}{hint}"
        raise InstallError(f"This build does not run on this machine: {reason}") from error
    except subprocess.TimeoutExpired as error:
        raise InstallError(f"This build did not start in {START_SECONDS} s") from error
    except OSError as error:
        raise InstallError(f"This build does not run on this machine: {error.strerror}") from error


def _not_downloaded(url: httpx.URL, error: httpx.HTTPError) -> InstallError:
    if isinstance(error, httpx.HTTPStatusError):
        return InstallError(f"{url}: status {error.response.status_code}")
    return InstallError(
        f"Cannot download {url}: {error or type(error).__name__}. Check the network, or name a "
        "mongod of your own in TICKETING_MONGOD."
    )
