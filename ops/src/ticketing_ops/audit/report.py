"""What an audit says, to people and to programs."""

import json
from collections.abc import Iterable
from itertools import groupby
from typing import Any

from rich.console import Console
from rich.markup import escape

from ticketing_ops.audit.auditing import Audit
from ticketing_ops.audit.findings import Finding, Kind

PROMISES = {
    1: "No ticket is in two live orders",
    2: "Every write that was answered has reached every listener, once",
    3: "Every copy equals its source",
    4: "An order is charged at most once; every charge is a complete order's, or given back",
    5: "Every unpaid order ends in time and its ticket is free again",
    6: "What cannot be handled is a dead letter, and nothing is lost",
}
"""What always holds, in short."""


def tell(audit: Audit, console: Console) -> None:
    """For people: promise by promise what breaks it, with what to do."""
    violations = audit.violations
    for promise, words in PROMISES.items():
        broken = [finding for finding in violations if finding.kind.promise == promise]
        mark = "[red]broken[/]" if broken else "[green]holds [/]"
        console.print(f"{promise}. {mark}  {words}", highlight=False)
        _tell_findings(broken, console)
    if audit.notes:
        console.print("\nTo know:", highlight=False)
        _tell_findings(audit.notes, console)
    for name in audit.unfinished:
        console.print(f"There is more: {name} was not looked at to its end.", highlight=False)
    count = len(violations)
    sum_up = "No violation" if not count else f"{count} violation{'s' if count > 1 else ''}"
    how = f"{audit.rows:,} documents, events and charges looked at in {audit.seconds:.1f} s"
    console.print(f"\n{sum_up}. {how}.", highlight=False)


def _tell_findings(findings: list[Finding], console: Console) -> None:
    def by(finding: Finding) -> str:
        return finding.kind.name

    for _, group in groupby(sorted(findings, key=by), key=by):
        same = list(group)
        for finding in same:
            line = f"   [bold]{finding.kind.name}[/]  {escape(finding.problem)}"
            console.print(line, highlight=False, soft_wrap=True)
        kind: Kind = same[0].kind
        console.print(f"   [dim]-> {escape(kind.advice)}[/]", highlight=False, soft_wrap=True)


def as_json(audit: Audit, mended: Iterable[str] = ()) -> str:
    """For programs."""
    return json.dumps(
        {
            "ok": not audit.violations,
            "violations": [_as_dict(finding) for finding in audit.violations],
            "notes": [_as_dict(finding) for finding in audit.notes],
            "unfinished": audit.unfinished,
            "repaired": list(mended),
            "looked_at": audit.rows,
            "seconds": round(audit.seconds, 2),
        },
        indent=2,
    )


def _as_dict(finding: Finding) -> dict[str, Any]:
    return {
        "kind": finding.kind.name,
        "promise": finding.kind.promise,
        "ids": dict(finding.ids),
        "problem": finding.problem,
        "advice": finding.kind.advice,
        "repair": str(finding.repair) if finding.repair is not None else None,
    }
