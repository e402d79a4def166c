"""The modules of the project that tests import, directly or indirectly."""

import ast
import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from ticketing_dev.checkout import ROOT

PACKAGES = ("common", "ops", "dev", "testing")
SOURCES = [ROOT, *(ROOT / name / "src" for name in PACKAGES), *ROOT.glob("services/*/src")]
PYTEST_PLUGIN = ROOT / "testing/src/ticketing_testing/plugin.py"
RUN_AS_PROGRAM = re.compile(r"(ticketing_\w+(?:\.\w+)+)(?::\w+)?")
"""A string that names a module, as in a command (`python -m`, uvicorn)."""


def reached(folder: str) -> set[Path]:
    """Return the files, relative to the root, that the tests of a folder import or run."""
    waiting = [PYTEST_PLUGIN, *(ROOT / folder).rglob("*.py")]
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
        match node:
            case ast.Import():
                yield from (alias.name for alias in node.names)
            case ast.ImportFrom():
                assert node.level == 0, "imports are absolute here"
                # A name imported from a package can be a module.
                yield from (f"{node.module}.{alias.name}" for alias in node.names)
            case ast.Constant(value=str(text)) if found := RUN_AS_PROGRAM.fullmatch(text):
                yield found[1]


@cache
def _files(name: str) -> list[Path]:
    """Return the file of a module and those of the packages that contain it."""
    parts = name.split(".")
    stems = [Path(*parts[:end]) for end in range(1, len(parts) + 1)]
    ends = [end for stem in stems for end in (stem / "__init__.py", stem.with_suffix(".py"))]
    return [source / end for source in SOURCES for end in ends if (source / end).is_file()]
