"""Findings that last, and changes in progress."""

from collections.abc import AsyncGenerator, Callable, Sequence
from datetime import timedelta
from typing import Any, cast

import pytest

from ticketing_common.events import utc_now
from ticketing_ops.audit import check_runner, kinds
from ticketing_ops.audit.check_runner import Check, run_check
from ticketing_ops.audit.findings import Finding
from ticketing_ops.audit.scan import Scan
from ticketing_ops.audit.stores import Stores

SCAN = Scan(cast(Stores, None), utc_now(), timedelta(seconds=7))


def finding(target: str, state: str = "") -> Finding:
    return Finding(kinds.COPY_BEHIND, {"ticket": target}, "wrong", target, state)


class Scripted:
    """A check with prepared findings for each scan."""

    def __init__(self, *scans: Sequence[Finding]) -> None:
        self._scans = iter(scans)
        self.targets: list[frozenset[str] | None] = []

    @property
    def check(self) -> Check:
        return Check("scripted", self.find)

    async def find(self, scan: Scan) -> AsyncGenerator[Finding, None]:
        self.targets.append(scan.only)
        for found in next(self._scans):
            yield found


@pytest.fixture
def waits() -> tuple[list[timedelta], Callable[[timedelta], Any]]:
    """The graces that were waited for, and the function that waits."""
    waited: list[timedelta] = []

    async def wait(grace: timedelta) -> None:
        waited.append(grace)

    return waited, wait


async def test_run_check_reports_a_finding_that_lasts_for_the_grace(waits: Any) -> None:
    waited, wait = waits
    script = Scripted([finding("a"), finding("b")], [finding("b")])

    result = await run_check(script.check, SCAN, wait)

    assert result.findings == [finding("b")]
    assert script.targets == [None, frozenset({"a", "b"})]
    assert waited == [SCAN.grace]


async def test_run_check_without_findings_does_not_wait(waits: Any) -> None:
    waited, wait = waits
    assert (await run_check(Scripted([]).check, SCAN, wait)).findings == []
    assert waited == []


async def test_run_check_ignores_a_finding_with_progress(waits: Any) -> None:
    script = Scripted([finding("a", state="version 3")], [finding("a", state="version 8")])
    assert (await run_check(script.check, SCAN, waits[1])).findings == []


async def test_run_check_ignores_a_finding_of_the_second_scan_only(waits: Any) -> None:
    script = Scripted([finding("a")], [finding("a"), finding("c")])
    assert (await run_check(script.check, SCAN, waits[1])).findings == [finding("a")]


async def test_run_check_scans_many_findings_again_in_batches(
    waits: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check_runner, "BATCH", 2)
    script = Scripted([finding(name) for name in "abcde"], [], [finding("d")], [finding("e")])

    result = await run_check(script.check, SCAN, waits[1])

    assert result.findings == [finding("d"), finding("e")]
    assert result.is_complete
    assert script.targets[1:] == [frozenset("ab"), frozenset("cd"), frozenset("e")]


async def test_run_check_stops_at_the_maximum_and_reports_it(
    waits: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check_runner, "BATCH", 2)
    monkeypatch.setattr(check_runner, "MAX_FINDINGS", 2)
    findings = [finding(name) for name in "abcde"]

    result = await run_check(Scripted(findings, findings).check, SCAN, waits[1])

    assert result.findings == findings[:2]
    assert not result.is_complete
