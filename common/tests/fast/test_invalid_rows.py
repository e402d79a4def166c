import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from ticketing_common import invalid_rows
from ticketing_common.invalid_rows import omit_invalid
from ticketing_testing import new_id


def omitted(kind: str) -> float:
    return REGISTRY.get_sample_value("rows_omitted_total", {"kind": kind}) or 0


@pytest.mark.parametrize("error", [ValueError, KeyError, TypeError, AttributeError, OverflowError])
def test_invalid_row_is_omitted_and_logged_with_its_id(error: type[Exception]) -> None:
    row_id, before = new_id(), omitted("sample")

    with capture_logs() as logs, omit_invalid("sample", row_id):
        raise error("x")

    assert [(log["event"], log["kind"], log["id"]) for log in logs] == [
        ("row.left_out", "sample", row_id)
    ]
    assert omitted("sample") == before + 1


def test_invalid_row_is_logged_once_a_minute_and_counted_each_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 1000.0
    monkeypatch.setattr(invalid_rows, "monotonic", lambda: now)
    row_id, before = new_id(), omitted("sample")

    def read() -> int:
        with capture_logs() as logs, omit_invalid("sample", row_id):
            raise ValueError
        return len(logs)

    assert [read(), read()] == [1, 0]
    now += 59
    assert read() == 0
    now += 2
    assert read() == 1
    assert omitted("sample") == before + 4


def test_remembered_rows_are_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(invalid_rows, "MAX_LOGGED", 10)
    for number in range(1100):
        with omit_invalid("sample", number):
            raise ValueError

    assert len(invalid_rows._logged) <= 1000


def test_other_errors_are_raised() -> None:
    with pytest.raises(RuntimeError), omit_invalid("sample", 1):
        raise RuntimeError
