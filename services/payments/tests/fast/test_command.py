"""The command line of `python -m payments`."""

import pytest

from payments.__main__ import parse_arguments


@pytest.mark.parametrize("arguments", [[], ["refund"], ["refund", "a" * 24], ["show"]])
def test_command_line_without_its_arguments_exits_with_status_2(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        parse_arguments(arguments)
    assert exit_.value.code == 2


def test_command_line_reconciles_a_day_by_default() -> None:
    assert parse_arguments(["reconcile"]).hours == 24
