"""Write docs/errors.md: every error code of the API, from the error classes and the validators.

`python -m ticketing_dev.tools.error_catalogue` writes it.
"""

import ast
from collections.abc import Iterator
from importlib import import_module
from itertools import groupby
from pathlib import Path

from ticketing_common.errors import ServiceError
from ticketing_common.topology import SERVICES_WITH_ROUTES
from ticketing_common.web.error_handlers import HTTP_ERROR_CODES
from ticketing_dev.checkout import ROOT

CATALOGUE = ROOT / "docs" / "errors.md"

HEADER = """\
# Error codes

Every error response has the same body. `code` is stable: programs compare codes, never messages.
`field` is there if a single field is at fault, and there is one entry per violated rule.

```json
{"errors": [{"code": "string_too_short", "message": "String should have at least 8 characters",
             "field": "password"}]}
```

This page is generated: `python -m ticketing_dev.tools.error_catalogue`. The OpenAPI document at
`/api/openapi.json` lists the codes of each route.
"""

COMMON = "all services"
METHOD_NOT_ALLOWED = (
    405,
    "method_not_allowed",
    "Method not allowed",
    "The path has no such method. `Allow` lists its methods.",
)
"""Raised by Starlette, so it has no class of its own."""

VALIDATION = """\
## Validation errors

Status 400. A rule that [pydantic](https://docs.pydantic.dev/latest/errors/validation_errors/)
checks has pydantic's error type as its code, for example `missing`, `string_too_short`,
`string_too_long`, `string_pattern_mismatch`, `greater_than`, `less_than_equal`,
`decimal_max_places` or `enum`. A body that is not JSON has `invalid_json`, a rule without a code
of its own `invalid_value`. The services' own rules:

| code | message |
| --- | --- |
"""


def catalogue() -> str:
    """Return the page."""
    sections = [HEADER]
    for owner, group in groupby(sorted(errors(), key=_owner), key=_owner):
        rows = [(error.status, error.code, error.message, _cause(error)) for error in group]
        if owner == COMMON:
            rows.append(METHOD_NOT_ALLOWED)
        sections.append(f"## {owner.capitalize()}\n\n| status | code | message | cause |\n")
        sections[-1] += "| --- | --- | --- | --- |\n" + "".join(
            f"| {status} | `{code}` | {message} | {cause} |\n"
            for status, code, message, cause in sorted(rows)
        )
    rules = sorted(set(_validation_rules()))
    sections.append(VALIDATION + "".join(f"| `{code}` | {message} |\n" for code, message in rules))
    return "\n".join(sections)


def codes() -> set[str]:
    """Return all documented codes but those of pydantic."""
    return (
        {error.code for error in errors()}
        | {code for code, _ in _validation_rules()}
        | set(HTTP_ERROR_CODES.values())
    )


def errors() -> list[type[ServiceError]]:
    """Return every error class of the services with routes."""
    for service in SERVICES_WITH_ROUTES:
        import_module(f"{service}.app")
    return sorted(set(_subclasses(ServiceError)), key=lambda error: error.__qualname__)


def _subclasses(error: type[ServiceError]) -> Iterator[type[ServiceError]]:
    yield error
    for subclass in error.__subclasses__():
        yield from _subclasses(subclass)


def _owner(error: type[ServiceError]) -> str:
    package = error.__module__.partition(".")[0]
    return package if package in SERVICES_WITH_ROUTES else COMMON


def _cause(error: type[ServiceError]) -> str:
    text = (error.__doc__ or "").partition("\n\n")[0]
    return " ".join(text.split())


def _validation_rules() -> Iterator[tuple[str, str]]:
    """Find the literal arguments of every PydanticCustomError in the services' code."""
    for folder in (ROOT / "common" / "src", *(ROOT / "services").glob("*/src")):
        for path in sorted(folder.rglob("*.py")):
            yield from _rules_in(path)


def _rules_in(path: Path) -> Iterator[tuple[str, str]]:
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.Call(
                func=ast.Name(id="PydanticCustomError"),
                args=[ast.Constant(value=str(code)), ast.Constant(value=str(message)), *_],
            ):
                yield code, message


if __name__ == "__main__":
    CATALOGUE.write_text(catalogue())
