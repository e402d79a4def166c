"""The figures of a run, and their table."""

import platform
import statistics
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from rich.console import Console
from rich.table import Table

from ticketing_dev.checkout import ROOT

RESULTS = ROOT / "bench" / "RESULTS.md"

console = Console(width=120)


@dataclass(frozen=True)
class Figure:
    """A measured value beside its goal."""

    section: str
    name: str
    value: float
    """The ratio, time or rate that the goal is for."""
    unit: str
    goal: float | None
    """None for a figure without a goal."""
    at_least: bool = True
    """Whether the value must reach the goal; otherwise it must not exceed it."""
    detail: str = ""

    @property
    def is_reached(self) -> bool | None:
        if self.goal is None:
            return None
        return self.value >= self.goal if self.at_least else self.value <= self.goal

    @classmethod
    def at_most(
        cls, section: str, name: str, value: float, unit: str, goal: float, detail: str = ""
    ) -> "Figure":
        """Return a figure that must not exceed its goal."""
        return cls(section, name, value, unit, goal, at_least=False, detail=detail)

    def cells(self) -> list[str]:
        goal = ""
        if self.goal is not None:
            goal = f"{'at least' if self.at_least else 'at most'} {self.goal:g} {self.unit}".strip()
        reached = {None: "", True: "yes", False: "no"}[self.is_reached]
        return [self.name, f"{self.value:.3g} {self.unit}".strip(), goal, reached, self.detail]


HEADINGS = ["figure", "measured", "goal", "reached", "detail"]


def median_and_spread(values: Sequence[float]) -> tuple[float, str]:
    """Return the median, and the least and the greatest value as text."""
    return statistics.median(values), f"{min(values):.2f} to {max(values):.2f}"


def print_figures(figures: Sequence[Figure]) -> None:
    table = Table(*HEADINGS, box=None, padding=(0, 2, 0, 0))
    for figure in figures:
        table.add_row(*figure.cells())
    console.print(table)


def machine_seconds() -> float:
    """Return the seconds for ten million additions: the speed of the machine at this time."""
    start = time.perf_counter()
    for number in range(10_000_000):
        number + 1
    return time.perf_counter() - start


def write_results(figures: Sequence[Figure], seconds: float, path: Path = RESULTS) -> None:
    """Write all figures, with the machine, the versions and the commit."""
    lines = [
        "# Results of make bench",
        "",
        "Written by `make bench`. A ratio compares two rates of one run on one machine. Its spread",
        "is that of the rounds.",
        "",
        *_environment(seconds),
    ]
    for section in dict.fromkeys(figure.section for figure in figures):
        lines += ["", f"## {section}", "", f"| {' | '.join(HEADINGS)} |", "|---" * 5 + "|"]
        lines += [
            f"| {' | '.join(figure.cells())} |" for figure in figures if figure.section == section
        ]
    path.write_text("\n".join(lines) + "\n")


def _environment(seconds: float) -> list[str]:
    commit = subprocess.run(
        ["git", "log", "-1", "--format=%h"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.strip()
    packages = ["fastapi", "uvicorn", "pymongo", "beanie", "nats-py", "pydantic", "secantusdb"]
    return [
        f"- {datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {seconds / 60:.0f} minutes, commit {commit}",
        f"- {_processor()}, {platform.system()}, Python {platform.python_version()}",
        f"- ten million additions in Python: {machine_seconds():.2f} s",
        f"- {', '.join(f'{name} {version(name)}' for name in packages)}",
    ]


def _processor() -> str:
    model, cores = platform.machine(), 0
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        name, _, value = line.partition(":")
        cores += name.strip() == "processor"
        model = value.strip() if name.strip() == "model name" else model
    return f"{cores} cores, {model}"
