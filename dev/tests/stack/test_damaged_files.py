"""A file that a command cannot use is reported in one line, with what to do."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ticketing_dev.stack.processes.ports import free_port
from ticketing_ops.backup import restore
from ticketing_ops.cli import app
from ticketing_ops.errors import DamagedFile

ID = "0" * 24
STACK_COMMANDS = [
    ["status"],
    ["logs"],
    ["up", "--no-client"],
    ["up", "--no-client", "--fresh"],
]
USES_OF_A_STACK = [["seed"], ["restart"], ["audit"], ["payments", "show", ID], ["events", "parked"]]


def fails_in_one_line(command: list[str], data: Path) -> str:
    """Run a command that must fail, and return its line."""
    port = ["--port", str(free_port())] if command[0] == "up" else []
    result = CliRunner().invoke(app, [*command, *port, "--data", str(data)])
    assert result.exit_code == 1, result.output
    assert isinstance(result.exception, SystemExit), result.exception
    [line] = result.stderr.splitlines()
    return line


@pytest.mark.parametrize("command", STACK_COMMANDS, ids=" ".join)
@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"{}", b"\xff\xfe", b'{"processes": [{"nonsense": 1}]}']
)
def test_damaged_state_file_is_reported(tmp_path: Path, command: list[str], content: bytes) -> None:
    state = tmp_path / "state.json"
    state.write_bytes(content)

    line = fails_in_one_line(command, tmp_path)

    assert str(state) in line
    assert "Delete it" in line


@pytest.mark.parametrize("command", STACK_COMMANDS, ids=" ".join)
def test_unreadable_state_file_is_reported(tmp_path: Path, command: list[str]) -> None:
    (tmp_path / "state.json").mkdir()  # the superuser can read every file

    assert f"{tmp_path / 'state.json'}: Is a directory" in fails_in_one_line(command, tmp_path)


@pytest.mark.parametrize("command", [*STACK_COMMANDS, *USES_OF_A_STACK, ["down"]], ids=" ".join)
def test_data_folder_that_is_a_file_is_reported(tmp_path: Path, command: list[str]) -> None:
    file = tmp_path / "data"
    file.touch()
    if command == ["down"]:
        assert CliRunner().invoke(app, ["down", "--data", str(file)]).exit_code == 0
    else:
        assert str(file) in fails_in_one_line(command, file)


@pytest.mark.parametrize("content", ["{", "[]", json.dumps({"unknown": "secret"})])
def test_damaged_secrets_file_is_reported(tmp_path: Path, content: str) -> None:
    (tmp_path / "secrets.json").write_text(content)

    line = fails_in_one_line(["up", "--no-client"], tmp_path)

    assert str(tmp_path / "secrets.json") in line
    assert "Delete it" in line


def _cut(data: bytes) -> bytes:
    return gzip.compress(data * 1000)[:-20]


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("orders.bson.gz", lambda data: data),
        ("orders.bson.gz", gzip.compress),
        ("orders.bson.gz", _cut),
        ("orders.metadata.json.gz", lambda data: data),
        ("orders.metadata.json.gz", gzip.compress),
        ("orders.metadata.json.gz", lambda _: gzip.compress(b"{}")),
    ],
)
def test_damaged_backup_is_not_restored(
    tmp_path: Path, name: str, damage: Callable[[bytes], bytes]
) -> None:
    (tmp_path / "orders").mkdir()
    (tmp_path / "orders" / name).write_bytes(damage(b"neither BSON nor JSON"))

    with pytest.raises(DamagedFile, match=name):
        restore({"orders": "mongodb://127.0.0.1:1/orders"}, tmp_path, replace=True)
