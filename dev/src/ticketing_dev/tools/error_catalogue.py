"""Write docs/errors.md: every error code of the API, from the error classes and the messages.

`python -m ticketing_dev.tools.error_catalogue` writes it.
"""

from collections.abc import Iterator
from importlib import import_module
from itertools import groupby

from ticketing_common.errors import ServiceError
from ticketing_common.topology import SERVICES_WITH_ROUTES
from ticketing_common.validation_messages import MESSAGES, OF_FIELD, REQUIRED
from ticketing_common.web.error_handlers import HTTP_ERRORS
from ticketing_dev.checkout import ROOT

CATALOGUE = ROOT / "docs" / "errors.md"

HEADER = """\
# Error codes

Every error response has the same body. `code` is stable: programs compare codes, never messages.
`field` is there if a single field is at fault, and there is one entry per violated rule.

```json
{"errors": [{"code": "too_short", "message": "Use at least 8 characters", "field": "password"}]}
```

This page is generated: `python -m ticketing_dev.tools.error_catalogue`. The OpenAPI document at
`/api/openapi.json` lists the codes of each route.
"""

COMMON = "all services"
HTTP_PROTOCOL_MODULE = "ticketing_common.web.http_protocol"
"""No application imports it: uvicorn loads it."""
METHOD_NOT_ALLOWED = (
    405,
    "method_not_allowed",
    "Method not allowed",
    "The path has no such method. `Allow` lists its methods.",
)
"""Raised by Starlette, so it has no class of its own."""

VALIDATION = """\
## Validation errors

Status 400, with one entry for each violated rule. Every rule has a code; that of a rule which
[pydantic](https://docs.pydantic.dev/latest/errors/validation_errors/) checks is its error type. The
messages are in `ticketing_common/validation_messages.py`. Names in braces are replaced by the
values of the rule.

| code | message | other messages, by field |
| --- | --- | --- |
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
    sections.append(
        VALIDATION
        + "".join(
            f"| `{code}` | {message} | {_by_field(code)} |\n"
            for code, message in sorted(MESSAGES.items())
        )
    )
    sections.append(
        "A field that is missing, null or empty has the code of the rule that it violates, and a "
        "message of its own:\n\n| field | message |\n| --- | --- |\n"
        + "".join(f"| `{field}` | {message} |\n" for field, message in sorted(REQUIRED.items()))
    )
    return "\n".join(sections)


def codes() -> set[str]:
    """Return all documented codes."""
    return (
        {error.code for error in errors()}
        | MESSAGES.keys()
        | {code for code, _ in HTTP_ERRORS.values()}
    )


def errors() -> list[type[ServiceError]]:
    """Return every error class of the services with routes and of their server."""
    for module in (*(f"{service}.app" for service in SERVICES_WITH_ROUTES), HTTP_PROTOCOL_MODULE):
        import_module(module)
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


def _by_field(code: str) -> str:
    messages = [(field, text) for (field, each), text in OF_FIELD.items() if each == code]
    return "; ".join(f"`{field}`: {text}" for field, text in sorted(messages))


if __name__ == "__main__":
    CATALOGUE.write_text(catalogue())
