import pytest

from ticketing_dev.stack.supervision.logs import LogFormatter, shorten

LINE = (
    '{"status": 201, "ms": 6.1, "event": "request", "service": "tickets", "level": "info",'
    ' "logger": "x", "timestamp": "2026-11-21T08:46:29.839450Z", "trace_id": "91a9"}'
)


def test_shorten_formats_a_json_line() -> None:
    assert shorten(LINE).plain == "08:46:29.839 request status=201 ms=6.1"


def test_shorten_prints_a_traceback_on_separate_lines() -> None:
    line = '{"event": "crashed", "level": "error", "timestamp": "", "exception": "Traceback\\n..."}'

    text = shorten(line)

    assert text.plain == " crashed\nTraceback\n..."
    assert text.style == "red"


@pytest.mark.parametrize("line", ["", "[INF] Server is ready", "[]", "1", "{}", '{"event": 1}'])
def test_shorten_keeps_other_lines(line: str) -> None:
    assert shorten(line).plain == line


def test_log_formatter_keeps_lines_for_programs() -> None:
    assert (
        LogFormatter(["tickets"], human_readable=False).format("tickets", LINE).plain
        == f"tickets | {LINE}"
    )
