import pytest

from ticketing_dev.stack.supervision.logs import LogFormatter, shorten

LINE = (
    '{"status": 201, "ms": 6.1, "event": "request", "service": "tickets", "level": "info",'
    ' "logger": "x", "timestamp": "2026-11-21T08:46:29.839450Z", "trace_id": "91a9"}'
)


def test_a_services_line_is_told_in_words() -> None:
    assert shorten(LINE).plain == "08:46:29.839 request status=201 ms=6.1"


def test_a_crash_is_told_with_its_traceback_on_lines_of_its_own() -> None:
    line = '{"event": "crashed", "level": "error", "timestamp": "", "exception": "Traceback\\n..."}'

    told = shorten(line)

    assert told.plain == " crashed\nTraceback\n..."
    assert told.style == "red"


@pytest.mark.parametrize("line", ["", "[INF] Server is ready", "[]", "1", "{}", '{"event": 1}'])
def test_what_another_part_says_is_told_as_it_is(line: str) -> None:
    assert shorten(line).plain == line


def test_a_machine_gets_the_line_as_it_is() -> None:
    assert (
        LogFormatter(["tickets"], human_readable=False).format("tickets", LINE).plain
        == f"tickets | {LINE}"
    )
