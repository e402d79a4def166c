"""`ticketing mongod install` against local file servers, with and without TLS."""

import errno
import hashlib
import io
import json
import ssl
import subprocess
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from ticketing_dev.mongodb import builds, commands
from ticketing_dev.mongodb.builds import Build, UnknownPlatform
from ticketing_dev.mongodb.install import InstallError, install
from ticketing_dev.mongodb.pin import pin
from ticketing_dev.stack.processes import servers
from ticketing_dev.stack.processes.ports import free_port

SERVER = b"#!/bin/sh\necho db version v8\n"


class Quiet(SimpleHTTPRequestHandler):
    """A file server without a log."""

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@contextmanager
def file_server(folder: Path, context: ssl.SSLContext | None = None) -> Iterator[str]:
    """Serve a folder; the value is the URL."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder)) as server:
        if context:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            scheme = "https" if context else "http"
            yield f"{scheme}://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def archive(files: dict[str, bytes]) -> bytes:
    """Return a compressed archive."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as opened:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            opened.addfile(member, io.BytesIO(data))
    return content.getvalue()


def publish(folder: Path, build: Build, server: bytes = SERVER, **others: bytes) -> str:
    """Publish an archive like MongoDB's, with its digest. Returns the digest."""
    path = folder / build.path.removeprefix("/")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(archive({**others, f"{build.name}/bin/mongod": server}))
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    path.with_name(f"{path.name}.sha256").write_text(f"{digest}  {path.name}\n")
    return digest


@pytest.fixture
def published(tmp_path: Path) -> Path:
    """The folder of the download server."""
    folder = tmp_path / "published"
    folder.mkdir()
    return folder


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """A server that was installed before."""
    target = tmp_path / "checkout" / "mongod-8"
    target.parent.mkdir()
    target.write_text("former")
    return target


BUILD = Build("linux-x86_64-debian12", "8.0.13", None)


def pinned(digest: str) -> Build:
    return Build(BUILD.platform, BUILD.version, digest)


@pytest.fixture
def tls(tmp_path: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """The TLS context of a server with a certificate of its own, and of clients that trust it."""
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    subject = ["-subj", "/CN=downloads", "-addext", "subjectAltName=IP:127.0.0.1"]
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
    files = ["-keyout", str(key), "-out", str(certificate)]
    command = ["openssl", "req", "-x509", "-nodes", "-days", "2", *curve, *subject, *files]
    subprocess.run(command, check=True, capture_output=True)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate, key)
    return server, ssl.create_default_context(cafile=certificate)


def install_from(url: str, build: Build, target: Path, **options: ssl.SSLContext) -> list[int]:
    """Install a build; return the reported progress."""
    progress: list[int] = []
    with httpx.Client(base_url=url, **options) as client:  # type: ignore[arg-type]
        install(build, target, client, lambda received, _: progress.append(received))
    return progress


def test_install_replaces_the_server_when_the_pinned_digest_matches(
    published: Path, target: Path
) -> None:
    digest = publish(published, BUILD)
    with file_server(published) as url:
        progress = install_from(url, pinned(digest), target)
    assert target.read_bytes() == SERVER
    assert target.stat().st_mode & 0o777 == 0o755
    assert progress[-1] == (published / BUILD.path[1:]).stat().st_size
    assert [path.name for path in target.parent.iterdir()] == [target.name]


def test_digest_that_is_not_pinned_is_fetched_over_tls(
    published: Path, target: Path, tls: tuple[ssl.SSLContext, ssl.SSLContext]
) -> None:
    publish(published, BUILD)
    with file_server(published, tls[0]) as url:
        install_from(url, BUILD, target, verify=tls[1])
    assert target.read_bytes() == SERVER


def refused(build: Build, target: Path, url: str) -> str:
    """Return the error of an installation, after which the former server is in place."""
    with pytest.raises(InstallError) as error:
        install_from(url, build, target)
    assert target.read_text() == "former"
    assert [path.name for path in target.parent.iterdir()] == [target.name]
    return str(error.value)


def test_install_refuses_another_digest(published: Path, target: Path) -> None:
    publish(published, BUILD)
    with file_server(published) as url:
        assert "not 0000" in refused(pinned("0" * 64), target, url)


def test_install_refuses_an_unpinned_digest_without_tls(published: Path, target: Path) -> None:
    publish(published, BUILD)
    with file_server(published) as url:
        assert "over TLS only" in refused(BUILD, target, url)


def test_install_refuses_an_untrusted_certificate(
    published: Path, target: Path, tls: tuple[ssl.SSLContext, ssl.SSLContext]
) -> None:
    publish(published, BUILD)
    with file_server(published, tls[0]) as url:
        assert "CERTIFICATE_VERIFY_FAILED" in refused(BUILD, target, url)


def test_install_reports_a_missing_archive(published: Path, target: Path) -> None:
    with file_server(published) as url:
        assert "status 404" in refused(pinned("0" * 64), target, url)


def test_install_reports_a_missing_network(target: Path) -> None:
    message = refused(pinned("0" * 64), target, f"http://127.0.0.1:{free_port()}")
    assert "Check the network" in message


def test_install_reports_a_full_disk(
    published: Path, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = publish(published, BUILD)

    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("ticketing_dev.mongodb.install._extract", fail)
    with file_server(published) as url:
        assert "is full" in refused(pinned(digest), target, url)


@pytest.mark.parametrize(
    ("server", "message"),
    [(b"#!/bin/sh\necho no library >&2\nexit 1\n", "no library"), (b"\x7fELF", "does not run")],
)
def test_install_refuses_a_server_that_does_not_run(
    published: Path, target: Path, server: bytes, message: str
) -> None:
    digest = publish(published, BUILD, server)
    with file_server(published) as url:
        assert message in refused(pinned(digest), target, url)


def test_install_extracts_the_server_alone(published: Path, target: Path) -> None:
    digest = publish(
        published, BUILD, **{"../../escaped": b"", "/tmp/escaped": b"", "LICENSE": b""}
    )
    with file_server(published) as url:
        install_from(url, pinned(digest), target)
    assert [path.name for path in target.parent.iterdir()] == [target.name]
    assert not list(target.parents[1].glob("**/escaped"))


def test_install_refuses_a_link_in_place_of_the_server(published: Path, target: Path) -> None:
    path = published / BUILD.path[1:]
    path.parent.mkdir()
    with tarfile.open(path, "w:gz") as opened:
        member = tarfile.TarInfo(f"{BUILD.name}/bin/mongod")
        member.type, member.linkname = tarfile.SYMTYPE, "/bin/sh"
        opened.addfile(member)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    with file_server(published) as url:
        assert "does not contain" in refused(pinned(digest), target, url)


@pytest.mark.parametrize(
    ("machine", "release", "platform"),
    [
        ("x86_64", {"ID": "debian", "VERSION_ID": "13"}, "linux-x86_64-debian12"),
        ("x86_64", {"ID": "ubuntu", "VERSION_ID": "25.10"}, "linux-x86_64-ubuntu2404"),
        ("aarch64", {"ID": "rocky", "VERSION_ID": "9.4"}, "linux-aarch64-rhel93"),
    ],
)
def test_platform_of_a_distribution_is_the_newest_build_that_fits(
    machine: str, release: dict[str, str], platform: str
) -> None:
    assert builds.linux_platform(machine, release) == platform
    assert builds.build_for(platform).platform == platform


@pytest.mark.parametrize(
    "release",
    [{"ID": "debian", "VERSION_ID": "11"}, {"ID": "arch"}, {"ID": "ubuntu", "VERSION_ID": "18.04"}],
)
def test_platform_of_another_distribution_is_unknown(release: dict[str, str]) -> None:
    with pytest.raises(UnknownPlatform, match=release["ID"]):
        builds.linux_platform("x86_64", release)


def test_pin_writes_the_published_digests(
    published: Path, tmp_path: Path, tls: tuple[ssl.SSLContext, ssl.SSLContext]
) -> None:
    file = tmp_path / "builds.json"
    file.write_text(builds.FILE.read_text())
    expected = {name: publish(published, build) for name, build in builds.builds().items()}
    with (
        file_server(published, tls[0]) as url,
        httpx.Client(base_url=url, verify=tls[1]) as client,
    ):
        pin(client, file)
    assert json.loads(file.read_text())["sha256"] == expected


def test_command_installs_the_default_server(
    published: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    tls: tuple[ssl.SSLContext, ssl.SSLContext],
) -> None:
    monkeypatch.delenv("TICKETING_MONGOD", raising=False)
    monkeypatch.setenv("PATH", "")
    target = tmp_path / "mongod-8"
    monkeypatch.setattr(builds, "binary", lambda: target)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "certificate.pem"))
    publish(published, builds.build_for(BUILD.platform))
    assert servers.mongo(1, tmp_path).program == "secantusd-rs"
    with file_server(published, tls[0]) as url:
        options = ["install", "--platform", BUILD.platform, "--from", url]
        result = CliRunner().invoke(commands.app, options)
    assert result.exit_code == 0, result.output
    assert servers.mongo(1, tmp_path).command[0] == str(target)
    assert servers.mongo(1, tmp_path).program == target.name


def test_command_reports_an_unknown_platform() -> None:
    result = CliRunner().invoke(commands.app, ["install", "--platform", "plan9"])
    assert result.exit_code == 1
    assert "no build plan9" in result.output
