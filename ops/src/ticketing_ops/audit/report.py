"""The report of an audit, as text and as JSON."""

import json
from collections.abc import Iterable
from itertools import groupby
from typing import Any

from rich.console import Console
from rich.markup import escape

from ticketing_ops.audit.check_runner import AuditResult
from ticketing_ops.audit.findings import Finding

INVARIANTS = {
    1: "No ticket is in two live orders",
    2: "Every committed change reaches every consumer, once",
    3: "Every copy equals its source",
    4: "An order is charged at most once; every charge has a complete order or is refunded",
    5: "Every unpaid order ends in time, and its ticket is for sale again",
    6: "An event that cannot be handled is a dead letter, and no event is lost",
}


def print_report(result: AuditResult, console: Console) -> None:
    """Print each invariant with its violations and advice."""
    violations = result.violations
    for invariant, text in INVARIANTS.items():
        findings = [finding for finding in violations if finding.kind.invariant == invariant]
        status = "[red]violated[/]" if findings else "[green]holds   [/]"
        console.print(f"{invariant}. {status}  {text}", highlight=False)
        _print_findings(findings, console)
    if result.notes:
        console.print("\nNotes:", highlight=False)
        _print_findings(result.notes, console)
    for name in result.incomplete:
        console.print(
            f"The check of {name} stopped early: it has too many findings. Fix their cause, and "
            "audit again.",
            highlight=False,
            soft_wrap=True,
        )
    count = len(violations)
    summary = "No violation" if not count else f"{count} violation{'s' if count > 1 else ''}"
    effort = f"{result.rows:,} documents, events and charges read in {result.seconds:.1f} s"
    console.print(f"\n{summary}. {effort}.", highlight=False)


def _print_findings(findings: list[Finding], console: Console) -> None:
    def name(finding: Finding) -> str:
        return finding.kind.name

    for _, group in groupby(sorted(findings, key=name), key=name):
        of_kind = list(group)
        for finding in of_kind:
            line = f"   [bold]{finding.kind.name}[/]  {escape(finding.problem)}"
            console.print(line, highlight=False, soft_wrap=True)
        advice = escape(of_kind[0].kind.advice)
        console.print(f"   [dim]-> {advice}[/]", highlight=False, soft_wrap=True)


def as_json(result: AuditResult, repaired: Iterable[str] = ()) -> str:
    """Return the report as a JSON document."""
    return json.dumps(
        {
            "ok": not result.violations,
            "violations": [_as_dict(finding) for finding in result.violations],
            "notes": [_as_dict(finding) for finding in result.notes],
            "incomplete": result.incomplete,
            "repaired": list(repaired),
            "rows": result.rows,
            "seconds": round(result.seconds, 2),
        },
        indent=2,
    )


def _as_dict(finding: Finding) -> dict[str, Any]:
    return {
        "kind": finding.kind.name,
        "invariant": finding.kind.invariant,
        "ids": dict(finding.ids),
        "problem": finding.problem,
        "advice": finding.kind.advice,
        "repair": str(finding.repair) if finding.repair is not None else None,
    }
