"""Running checks twice: a problem that resolves itself within the grace is a change in progress."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import timedelta
from time import monotonic

from ticketing_ops.audit.findings import Finding
from ticketing_ops.audit.scan import BATCH, Scan

MAX_FINDINGS = 1000
"""Findings of one check, after which it stops: so many have one cause."""
CONCURRENT_CHECKS = 6

Find = Callable[[Scan], AsyncGenerator[Finding, None]]
Wait = Callable[[timedelta], Awaitable[None]]


@dataclass(frozen=True)
class Check:
    """A function that finds some kinds of problems."""

    name: str
    find: Find


@dataclass(frozen=True)
class CheckResult:
    """The lasting findings of a check."""

    check: Check
    findings: list[Finding]
    is_complete: bool = True
    """False where the check stopped at MAX_FINDINGS."""


@dataclass(frozen=True)
class AuditResult:
    """The results of all checks."""

    results: Sequence[CheckResult]
    rows: int
    """Documents, events and charges that were read."""
    seconds: float

    @property
    def findings(self) -> list[Finding]:
        """All findings, in the order of the invariants."""
        found = [finding for result in self.results for finding in result.findings]
        return sorted(found, key=lambda finding: finding.kind.invariant)

    @property
    def violations(self) -> list[Finding]:
        """The findings that violate an invariant."""
        return [finding for finding in self.findings if not finding.kind.is_note]

    @property
    def notes(self) -> list[Finding]:
        """The findings that only inform the operator."""
        return [finding for finding in self.findings if finding.kind.is_note]

    @property
    def incomplete(self) -> list[str]:
        """The names of the checks that stopped early."""
        return [result.check.name for result in self.results if not result.is_complete]


async def wait(grace: timedelta) -> None:
    """Wait for the grace."""
    await asyncio.sleep(grace.total_seconds())


async def run_checks(scan: Scan, checks: Sequence[Check], wait: Wait = wait) -> AuditResult:
    """Run all checks, some concurrently. Raises StoreUnavailable."""
    began = monotonic()
    limit = asyncio.Semaphore(CONCURRENT_CHECKS)

    async def run(check: Check) -> CheckResult:
        async with limit:
            return await run_check(check, scan, wait)

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(run(check)) for check in checks]
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from None  # the others were cancelled because of it
    results = [task.result() for task in tasks]
    return AuditResult(results, scan.counter.rows, monotonic() - began)


async def run_check(check: Check, scan: Scan, wait: Wait = wait) -> CheckResult:
    """Scan everything, wait for the grace, and scan the targets of the findings again.

    Raises:
        StoreUnavailable: A store is unavailable.
    """
    lasting: list[Finding] = []
    suspects: dict[tuple[object, ...], Finding] = {}
    async with aclosing(check.find(scan)) as findings:
        async for finding in findings:
            suspects[finding.identity] = finding
            if len(suspects) >= BATCH:
                lasting += await _lasting(check, scan, suspects, wait)
                suspects = {}
                if len(lasting) >= MAX_FINDINGS:
                    return CheckResult(check, lasting[:MAX_FINDINGS], is_complete=False)
    if suspects:
        lasting += await _lasting(check, scan, suspects, wait)
    return CheckResult(check, lasting)


async def _lasting(
    check: Check, scan: Scan, suspects: Mapping[tuple[object, ...], Finding], wait: Wait
) -> list[Finding]:
    await wait(scan.grace)
    targets = frozenset(finding.target for finding in suspects.values())
    second = replace(scan, only=targets)
    return [finding async for finding in check.find(second) if finding.identity in suspects]
