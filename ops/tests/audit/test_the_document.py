import re

from ticketing_dev.checkout import ROOT
from ticketing_ops.audit.checks import CHECKS
from ticketing_ops.audit.kinds import KINDS
from ticketing_ops.audit.report import PROMISES

DOCUMENT = (ROOT / "docs" / "audit.md").read_text()


def test_every_kind_of_finding_is_told_of_where_its_promise_is() -> None:
    sections = re.split(r"^### (\d)\.", DOCUMENT, flags=re.MULTILINE)
    rows = {
        (int(promise), name)
        for promise, section in zip(sections[1::2], sections[2::2], strict=True)
        for name in re.findall(r"^\| `([\w-]+)`", section, flags=re.MULTILINE)
    }
    assert rows == {(kind.promise, kind.name) for kind in KINDS}


def test_what_is_only_to_know_is_marked_as_a_note() -> None:
    noted = set(re.findall(r"^\| `([\w-]+)` \(a note\)", DOCUMENT, flags=re.MULTILINE))
    assert noted == {kind.name for kind in KINDS if kind.is_note}


def test_names_are_taken_once_and_every_promise_is_looked_at() -> None:
    assert len({kind.name for kind in KINDS}) == len(KINDS)
    assert len({check.name for check in CHECKS}) == len(CHECKS)
    assert {kind.promise for kind in KINDS} == set(PROMISES)
