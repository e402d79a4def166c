import logging
import sys
from collections.abc import Iterator

import pytest
import structlog

from ticketing_common.observability import logs

PASSWORD = "swordfish"


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def crash(password: str) -> None:
    raise RuntimeError(f"{len(password)} characters")


@pytest.mark.parametrize("in_a_terminal", [True, False])
def test_logged_exception_has_no_local_variables(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], in_a_terminal: bool
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: in_a_terminal)
    logs.configure("sample", "INFO")

    try:
        crash(PASSWORD)
    except RuntimeError:
        structlog.get_logger("test").exception("request.crashed")

    logged = capsys.readouterr().err
    assert "RuntimeError: 9 characters" in logged
    assert PASSWORD not in logged
