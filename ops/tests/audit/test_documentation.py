"""docs/audit.md lists every kind of finding."""

import re

from ticketing_dev.checkout import ROOT
from ticketing_ops.audit.checks import CHECKS
from ticketing_ops.audit.kinds import KINDS
from ticketing_ops.audit.report import INVARIANTS

DOCUMENT = (ROOT / "docs" / "audit.md").read_text()


def test_documentation_lists_every_kind_under_its_invariant() -> None:
    sections = re.split(r"^### (\d)\.", DOCUMENT, flags=re.MULTILINE)
    rows = {
        (int(invariant), name)
        for invariant, section in zip(sections[1::2], sections[2::2], strict=True)
        for name in re.findall(r"^\| `([\w-]+)`", section, flags=re.MULTILINE)
    }
    assert rows == {(kind.invariant, kind.name) for kind in KINDS}


def test_documentation_marks_notes() -> None:
    notes = set(re.findall(r"^\| `([\w-]+)` \(a note\)", DOCUMENT, flags=re.MULTILINE))
    assert notes == {kind.name for kind in KINDS if kind.is_note}


def test_names_are_unique_and_every_invariant_has_a_kind() -> None:
    assert len({kind.name for kind in KINDS}) == len(KINDS)
    assert len({check.name for check in CHECKS}) == len(CHECKS)
    assert {kind.invariant for kind in KINDS} == set(INVARIANTS)
