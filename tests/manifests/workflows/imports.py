"""Which of our own modules some tests can reach by imports."""

import ast
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from ticketing_dev.checkout import ROOT

PACKAGES = ("common", "ops", "dev", "testing")
SOURCES = [ROOT, *(ROOT / name / "src" for name in PACKAGES), *ROOT.glob("services/*/src")]
FOUND_BY_PYTEST = ROOT / "testing/src/ticketing_testing/plugin.py"


def reached(folder: str) -> set[Path]:
    """The files, seen from the root, that tests below a folder import, directly or not."""
    waiting = [FOUND_BY_PYTEST, *(ROOT / folder).rglob("*.py")]
    seen: set[Path] = set()
    while waiting:
        file = waiting.pop()
        if file not in seen:
            seen.add(file)
            waiting += _imported(file)
    return {file.relative_to(ROOT) for file in seen}


@cache
def _imported(file: Path) -> list[Path]:
    names = _names(ast.walk(ast.parse(file.read_text())))
    return [found for name in names for found in _files(name)]


def _names(nodes: Iterable[ast.AST]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute here"
            # What is imported from a package may be a module, too.
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@cache
def _files(name: str) -> list[Path]:
    """A module's file, and those of the packages that it is in."""
    parts = name.split(".")
    stems = [Path(*parts[:end]) for end in range(1, len(parts) + 1)]
    ends = [end for stem in stems for end in (stem / "__init__.py", stem.with_suffix(".py"))]
    return [source / end for source in SOURCES for end in ends if (source / end).is_file()]
