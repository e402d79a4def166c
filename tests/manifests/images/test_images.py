"""The Dockerfiles: the command, user and content of each image."""

import json
import re
import subprocess
from pathlib import Path

import pytest
from tests.manifests.images.dockerfile import Image, instructions, read
from tests.manifests.linters import lint
from tests.manifests.project import DEPLOYED, DOCKERFILES, SERVING

from ticketing_common.topology import SERVICE_NAMES
from ticketing_dev.checkout import ROOT
from ticketing_dev.stack.processes import services

TARGETS = [(name, None) for name in DOCKERFILES] + [(name, "live") for name in DEPLOYED]

each_image = pytest.mark.parametrize(("name", "target"), TARGETS)
each_service = pytest.mark.parametrize("service", SERVICE_NAMES)


def image(name: str, target: str | None = None) -> Image:
    return read(DOCKERFILES[name], target, SERVICE=name)


def test_project_lists_every_dockerfile() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*Dockerfile*"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert {ROOT / name for name in listed.stdout.split()} == set(DOCKERFILES.values())


@pytest.mark.parametrize("dockerfile", sorted(set(DOCKERFILES.values())), ids=str)
def test_hadolint_finds_nothing(dockerfile: Path) -> None:
    assert lint("hadolint", dockerfile) == ""


def test_hadolint_finds_a_fault(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM python\nRUN cd /tmp && pip install fastapi\n")
    found = lint("hadolint", tmp_path / "Dockerfile")
    assert {"DL3006", "DL3042", "DL3013", "DL3003"} <= set(re.findall(r"DL\d+", found))


@each_image
def test_image_runs_without_root_and_listens_on_3000_if_it_serves(
    name: str, target: str | None
) -> None:
    built = image(name, target)
    assert built.user == "10001:10001"
    assert built.ports == (["3000"] if name in SERVING else [])
    if name in SERVING:
        assert "3000" in (built.env.get("UVICORN_PORT"), built.env.get("PORT"))


def test_ops_image_contains_no_service_and_runs_the_command_line() -> None:
    built = image("ops")
    assert set(built.copied) == {"ops/requirements.txt", "common/src", "ops/src"}
    assert built.command == ["python", "-m", "ticketing_ops"]


@pytest.mark.parametrize("name", DOCKERFILES)
def test_image_command_uses_no_shell(name: str) -> None:
    assert image(name).command[0] in ("python", "node")


@pytest.mark.parametrize("name", [name for name, target in TARGETS if target])
def test_live_image_command_replaces_its_shell(name: str) -> None:
    shell, flag, script = image(name, "live").command
    assert (shell, flag) == ("sh", "-c")
    assert re.fullmatch(
        r"cp -Ru --preserve=timestamps /app/\. /tmp/live && cd /tmp/live && exec \w+ .*", script
    )


@pytest.mark.parametrize("name", DOCKERFILES)
def test_image_has_labels(name: str) -> None:
    labels = image(name).labels
    assert labels["org.opencontainers.image.title"] == f"ticketing/{name}"
    assert labels["org.opencontainers.image.description"]


@each_service
def test_image_command_is_that_of_the_local_stack(service: str, tmp_path: Path) -> None:
    command = services.service(service, 3000, tmp_path, {}).command
    env = image(service).env
    assert [env["UVICORN_FACTORY"], env["UVICORN_ACCESS_LOG"]] == ["true", "false"]
    grace = ["--timeout-graceful-shutdown", env["UVICORN_TIMEOUT_GRACEFUL_SHUTDOWN"]]
    assert command[3] == env["UVICORN_APP"]
    kept = ["--timeout-keep-alive", env["UVICORN_TIMEOUT_KEEP_ALIVE"]]
    http = ["--http", env["UVICORN_HTTP"]]
    assert env["UVICORN_PROXY_HEADERS"] == "false"
    expected = ["--no-access-log", *kept, "--factory", *grace, *http, "--no-proxy-headers"]
    assert sorted(command[8:]) == sorted(expected)


def test_image_keeps_connections_longer_than_the_ingress(tmp_path: Path) -> None:
    stand_ins = image("stand-ins").env["UVICORN_TIMEOUT_KEEP_ALIVE"]
    pages = image("client").env["KEEP_ALIVE_TIMEOUT"]
    assert pages == services.client(3000, tmp_path, (), "", "usd").env["KEEP_ALIVE_TIMEOUT"]
    assert int(pages) == int(stand_ins) * 1000 == services.KEEP_ALIVE_SECONDS * 1000
    assert services.KEEP_ALIVE_SECONDS > 600


@pytest.mark.parametrize("name", DOCKERFILES)
def test_base_image_is_slim_and_pinned_to_a_minor_version(name: str) -> None:
    assert image(name).base == ("node:24-slim" if name == "client" else "python:3.13-slim")


@each_service
def test_service_image_contains_only_its_own_and_common_code(
    service: str,
) -> None:
    code = {"common/src", f"services/{service}/src"}
    assert set(image(service).copied) == {"services/requirements.txt", *code}


def test_image_installs_packages_by_hash() -> None:
    ran = [
        rest
        for file in set(DOCKERFILES.values())
        for keyword, rest in instructions(file.read_text())
        if keyword == "RUN" and re.search(r"\bpip\b|\bnpm\b", rest)
    ]
    assert len(ran) == 5
    for command in ran:
        assert "--require-hashes" in command or re.match("npm (ci|run) ", command)
    locked = json.loads((ROOT / "client/package-lock.json").read_text())["packages"]
    for name, one in locked.items():
        # Packages for other systems are not installed.
        assert not name or "integrity" in one or "linux" not in one["os"] or one["dev"], name
