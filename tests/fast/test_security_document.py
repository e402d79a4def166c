"""docs/security.md names the test of each control."""

import re

from ticketing_dev.checkout import ROOT


def test_tests_of_the_controls_exist() -> None:
    rows = [
        line
        for line in (ROOT / "docs" / "security.md").read_text().splitlines()
        if line.startswith("| ") and not line.startswith(("| threat", "| ---"))
    ]
    named = {row: re.findall(r"`((?:common|dev|services|tests)/[\w/.]+)`", row) for row in rows}

    assert len(rows) > 20
    assert [row for row in rows if not named[row]] == []
    assert [path for paths in named.values() for path in paths if not (ROOT / path).exists()] == []
