"""The command line of `python -m payments`."""

import pytest

from payments.__main__ import parse_arguments

ORDER = "a" * 24


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["refund"],
        ["refund", ORDER],
        ["refund", "x", "--reason", "x"],
        ["refund", ORDER, "--reason", " \u200b"],
        ["refund", ORDER, "--reason", "a\u202eb"],
        ["refund", ORDER, "--reason", "x" * 201],
        ["show"],
        ["show", "x"],
        ["reconcile", "--hours", "nan"],
        ["reconcile", "--hours", "-1"],
        ["reconcile", "--hours", "1e9"],
    ],
)
def test_invalid_command_line_exits_with_status_2(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        parse_arguments(arguments)
    assert exit_.value.code == 2


def test_command_line_reconciles_a_day_by_default() -> None:
    assert parse_arguments(["reconcile"]).hours == 24


def test_command_line_takes_a_reason_in_composed_form() -> None:
    arguments = parse_arguments(["refund", ORDER, "--reason", " Cafe\u0301 closed "])
    assert (arguments.order, arguments.reason) == (ORDER, "Caf\u00e9 closed")
