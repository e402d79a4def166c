"""Check that names, comments and documents use the words of the glossary.

    python -m ticketing_dev.tools.prose [--count] [PATH]...

Print `file:line: found -> replacement` for each finding, then the total. Exit with status 1 if
there is any. `--count` prints the number of findings per file. `prose.toml` has the words, their
replacements and the exceptions.
"""

import argparse
import ast
import io
import os
import re
import sys
import tokenize
import tomllib
from collections import Counter
from collections.abc import Iterator
from fnmatch import fnmatch
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[4]
RULES = Path(__file__).with_suffix(".toml")

FENCE = re.compile(r"^ *(```|~~~).*?^ *\1 *$|<!--.*?-->", re.MULTILINE | re.DOTALL)
CODE_SPAN = re.compile(r"(`+)(.+?)\1", re.DOTALL)
LINK_TARGET = re.compile(r"\]\([^)\s]*\)|<?https?://\S+")
LIST_TABLE_OR_QUOTE = re.compile(r" *([#|>]|[-*+] |\d+[.)] |!\[)|    ")
WORD_EDGE = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|[_\-.\[\]]+")
SENTENCE_END = re.compile(r"[.!?][)\"*_]*(?=\s+[A-Z`\[*\"(])|\s*\Z")
TS_NAME = re.compile(r"\b(?:class|function|const|let|var|interface|type|enum)\s+([A-Za-z_$][\w$]*)")
TS_TOKEN = re.compile(
    r'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'|`(?:\\.|[^`\\])*`|//[^\n]*|/\*.*?\*/', re.DOTALL
)

SECTIONS = (
    "identifiers",
    "names",
    "modules",
    "phrases",
    "openings",
    "function_openings",
    "headings",
)
Found = tuple[int, str, str]  # The line, the found text and the replacement.


class Finding(NamedTuple):
    path: str
    line: int
    found: str
    instead: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.found} -> {self.instead}"


class Checker:
    """The rules of one word list (the content of `prose.toml`)."""

    def __init__(self, content: dict[str, Any]) -> None:
        self._content = content
        self._replacements: dict[str, str] = {}
        self._rules = {
            section: [
                (re.compile(pattern.replace(" ", r"\s+"), flags), instead)
                for pattern, instead in patterns.items()
            ]
            for section, patterns in content["rules"].items()
            for flags in [re.IGNORECASE if section == "phrases" else re.NOFLAG]
        }

    def is_in_scope(self, path: str) -> bool:
        return re.fullmatch(self._content["scope"]["files"], path) is not None

    def check(self, path: str, source: str) -> list[Finding]:
        """Check one file. `path` is relative to the root of the repository."""
        if path.endswith(".md"):
            found = [*self._markdown(source)]
        else:
            content = self._python(source) if path.endswith(".py") else self._typescript(source)
            found = [*self._module(path), *content]
        exceptions = [one for one in self._content["exceptions"] if fnmatch(path, one["path"])]
        return [
            Finding(path, line, text, instead)
            for line, text, instead in sorted({*found})
            if not any(re.fullmatch(one["text"], text) for one in exceptions)
        ]

    def _module(self, path: str) -> Iterator[Found]:
        stem, folder = Path(path).name.partition(".")[0], Path(path).parent.name
        for name in (stem, folder):
            if instead := self._replacement(name.replace("-", "_")):
                yield 1, f"module {name}", instead
        for rule, instead in self._rules["modules"]:
            if rule.fullmatch((folder if stem == "__init__" else stem).replace("-", "_")):
                yield 1, f"module {stem}", instead

    def _replacement(self, name: str) -> str:
        if name not in self._replacements:
            spaced = " ".join(WORD_EDGE.split(name)).strip().lower()
            names, identifiers = self._rules["names"], self._rules["identifiers"]
            whole = [instead for rule, instead in names if rule.fullmatch(name.lstrip("_"))]
            partly = [instead for rule, instead in identifiers if rule.search(spaced)]
            self._replacements[name] = [*whole, *partly, ""][0]
        return self._replacements[name]

    def _python(self, source: str) -> Iterator[Found]:
        try:
            tree = ast.parse(source)
        except SyntaxError as error:
            yield error.lineno or 1, "a syntax error", "valid Python"
            return
        for node in ast.walk(tree):
            for name in _defined_names(node):
                if instead := self._replacement(name):
                    yield getattr(node, "lineno", 1), name, instead
            body = getattr(node, "body", None)
            for statement in body if isinstance(body, list) else []:
                match statement:  # Docstrings, and those of attributes.
                    case ast.Expr(value=ast.Constant(value=str(text), lineno=line)):
                        yield from self._opening("openings", line, text)
                        if _is_plain_function(node):
                            yield from self._opening("function_openings", line, text)
                        yield from self._prose(line, text)
        for line, text in _comments(source):
            yield from self._prose(line, text)

    def _typescript(self, source: str) -> Iterator[Found]:
        code = TS_TOKEN.sub(_blank, source)
        for match in TS_NAME.finditer(code):
            if instead := self._replacement(match[1]):
                yield _line_at(source, match.start()), match[1], instead
        for match in TS_TOKEN.finditer(source):
            if match[0].startswith(("//", "/*")):
                text = re.sub(r"^\s*(//|/?\*+/?)|\*/$", "", match[0], flags=re.MULTILINE)
                line = _line_at(source, match.start())
                if match[0].startswith("/**"):
                    yield from self._opening("openings", line, text)
                yield from self._prose(line, text)

    def _markdown(self, source: str) -> Iterator[Found]:
        text = FENCE.sub(_blank, source)
        for block in re.finditer(r"(?:^.*\S.*\n?)+", text, re.MULTILINE):
            line = _line_at(text, block.start())
            yield from self._prose(line, block[0])
            for number, heading in enumerate(block[0].splitlines(), line):
                if match := re.match(r"#+ +(.*)", heading):
                    yield from self._heading(number, match[1].strip())
            if not LIST_TABLE_OR_QUOTE.match(block[0]):
                yield from self._sentences(line, block[0])

    def _prose(self, line: int, text: str) -> Iterator[Found]:
        text = re.sub(r"^[ \t]+", "", text, flags=re.MULTILINE)
        for span in CODE_SPAN.finditer(text):
            for rule, instead in self._rules["names"]:
                if rule.fullmatch(span[2]):
                    yield line + _line_at(text, span.start()) - 1, span[0], instead
        plain = LINK_TARGET.sub(_blank, CODE_SPAN.sub(_blank, text))
        for rule, instead in self._rules["phrases"]:
            for match in rule.finditer(plain):
                start = match.start(match.lastindex or 0)
                found = " ".join(match[match.lastindex or 0].split())
                yield line + _line_at(plain, start) - 1, found, instead

    def _opening(self, section: str, line: int, text: str) -> Iterator[Found]:
        for rule, instead in self._rules[section]:
            if match := rule.match(text.lstrip()):
                yield line, f'opens with "{match[0]}"', instead

    def _heading(self, line: int, heading: str) -> Iterator[Found]:
        yield from self._opening("headings", line, heading)
        if mark := re.search(r"\?|[.,:;!]$", heading):
            yield line, f'heading has "{mark[0]}"', "a noun without punctuation at its end"
        proper_names = self._content["proper_names"]["names"]
        unnumbered = re.sub(r"^\d+[.:)]? ", "", CODE_SPAN.sub("`", heading))
        first, *others = unnumbered.split() or [""]
        if first[:1].islower() and first not in proper_names:
            yield line, f"heading begins with {first}", "a capital letter"
        for word in others:
            plain = word.strip("().,:*\"'").removesuffix("'s")
            if len(plain) > 1 and plain.istitle() and plain not in proper_names:
                yield line, f"heading has {plain}", f"{plain.lower()} (sentence case)"

    def _sentences(self, line: int, text: str) -> Iterator[Found]:
        limit = self._content["limits"]["sentence_words"]
        plain = LINK_TARGET.sub("]", CODE_SPAN.sub(_blank, text))
        start = 0
        for end in [match.end() for match in SENTENCE_END.finditer(plain)]:
            if (count := len(plain[start:end].split())) > limit:
                begin = end - len(plain[start:end].lstrip())
                number = line + _line_at(plain, begin) - 1
                yield number, f"sentence of {count} words", f"at most {limit}"
            start = end


def _blank(match: re.Match[str]) -> str:
    # Not a space: no phrase may match across it.
    return re.sub(r"[^\n]", "`", match[0])


def _line_at(text: str, offset: int) -> int:
    return text.count("\n", 0, offset) + 1


def _defined_names(node: ast.AST) -> list[str]:
    match node:
        case ast.ClassDef(name=name) | ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
            return [name]
        case ast.arg(arg=name) | ast.Name(id=name, ctx=ast.Store()):
            return [name]
        case ast.Attribute(attr=name, ctx=ast.Store()) | ast.alias(asname=str(name)):
            return [name]
    return []


def _is_plain_function(node: ast.AST) -> bool:
    """Return whether the node is a function, and neither a property nor a pytest fixture."""
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not any(
        re.search("property|fixture", ast.unparse(decorator)) for decorator in node.decorator_list
    )


def _comments(source: str) -> Iterator[tuple[int, str]]:
    """Yield the comments with their lines. Consecutive lines are one comment."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    lines = [(token.start[0], token.string) for token in tokens if token.type == tokenize.COMMENT]
    for _, run in groupby(enumerate(lines), key=lambda item: item[1][0] - item[0]):
        comments = [comment for _, comment in run]
        yield comments[0][0], "\n".join(text.lstrip("#: ") for _, text in comments)


def check_tree(paths: list[Path]) -> list[Finding]:
    """Check every file in scope of `paths`, which are files or folders of the repository."""
    checker = Checker(tomllib.loads(RULES.read_text()))
    return [
        finding
        for path in paths
        for file in _files(path.resolve())
        if checker.is_in_scope(relative := file.relative_to(ROOT).as_posix())
        for finding in checker.check(relative, file.read_text())
    ]


def _files(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path
    for folder, folders, files in os.walk(path):
        folders[:] = sorted(name for name in folders if name[0] != "." and name != "node_modules")
        yield from (Path(folder, name) for name in sorted(files))


def main() -> int:
    parser = argparse.ArgumentParser(description="Check the words of the project.")
    parser.add_argument("--count", action="store_true", help="print the findings per file")
    parser.add_argument("paths", nargs="*", type=Path, help="files or folders (default: all)")
    options = parser.parse_args()
    findings = check_tree(options.paths or [ROOT])
    per_file = Counter(finding.path for finding in findings)
    lines = [f"{count:5} {path}" for path, count in per_file.items()] if options.count else findings
    print(*lines, f"{len(findings)} findings", sep="\n")  # noqa: T201
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
