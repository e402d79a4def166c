import io
import json
import logging
import sys

import pytest
import structlog

from ticketing_common.observability import logs

PASSWORD = "swordfish"


pytestmark = pytest.mark.usefixtures("restored_logging")


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


def test_own_and_library_lines_have_the_same_fields(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("sample", "INFO")

    structlog.get_logger("own").warning("happened", count=1)
    logging.getLogger("library").warning("happened", extra={"count": 1})

    own, library = map(json.loads, capsys.readouterr().err.splitlines())
    assert (own["logger"], library["logger"]) == ("own", "library")
    assert own.keys() == library.keys()
    assert {name for name in own if own[name] != library[name]} <= {"logger", "timestamp"}


def test_lines_below_the_level_are_dropped(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("sample", "WARNING")

    structlog.get_logger("own").info("happened")
    logging.getLogger("library").info("happened")

    assert capsys.readouterr().err == ""


def test_line_that_cannot_be_written_raises_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    logs.configure("sample", "INFO")
    stream.close()

    structlog.get_logger("own").info("happened")
