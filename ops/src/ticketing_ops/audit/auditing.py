"""One audit: every check, some side by side, and what came of them."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from time import monotonic

from ticketing_ops.audit.checks import CHECKS
from ticketing_ops.audit.findings import Finding
from ticketing_ops.audit.looking import Check, Look, Verdict, Wait, lasting, wait

SIDE_BY_SIDE = 6
"""How many checks look at once: they wait more than they work."""


@dataclass(frozen=True)
class Audit:
    """What was found, in the order of what always holds."""

    verdicts: Sequence[Verdict]
    rows: int
    """Documents, events and charges that were looked at."""
    seconds: float

    @property
    def findings(self) -> list[Finding]:
        found = [finding for verdict in self.verdicts for finding in verdict.findings]
        return sorted(found, key=lambda finding: finding.kind.promise)

    @property
    def violations(self) -> list[Finding]:
        return [finding for finding in self.findings if not finding.kind.is_note]

    @property
    def notes(self) -> list[Finding]:
        return [finding for finding in self.findings if finding.kind.is_note]

    @property
    def unfinished(self) -> list[str]:
        """The checks that found so much that they looked no further."""
        return [verdict.check.name for verdict in self.verdicts if not verdict.is_whole]


async def audit(look: Look, checks: Sequence[Check] = CHECKS, wait: Wait = wait) -> Audit:
    """Look at everything. Raises Away where that cannot be done."""
    began = monotonic()
    room = asyncio.Semaphore(SIDE_BY_SIDE)

    async def verdict(check: Check) -> Verdict:
        async with room:
            return await lasting(check, look, wait)

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(verdict(check)) for check in checks]
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from None  # the others were cancelled for it
    return Audit([task.result() for task in tasks], look.count.rows, monotonic() - began)
