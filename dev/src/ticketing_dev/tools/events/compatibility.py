"""Detect breaking changes of an event's schema.

Compatibility is needed in both directions: new code reads old events, which the streams keep, and
old code reads new events during a rolling update.
"""

from collections.abc import Iterator
from typing import Any

Schema = dict[str, Any]

SEPARATELY_COMPARED = {"properties", "required", "default"}


def breaking_changes(before: Schema, after: Schema) -> list[str]:
    """Return a description of each breaking change; empty if the change is compatible."""
    return list(_compare(before, after, ""))


def _compare(before: Schema, after: Schema, field: str) -> Iterator[str]:
    name = field or "the body"
    if "properties" in before and "properties" in after:
        yield from _compare_fields(before, after, f"{field}." if field else "")
    if "enum" in before and "enum" in after:
        yield from _compare_values(set(before["enum"]), set(after["enum"]), name)
        before, after = _without(before, "enum"), _without(after, "enum")
    if "default" in before and "default" in after and before["default"] != after["default"]:
        yield f"{name} has the new default {after['default']!r}, which changes its meaning"
    old, new = _without(before, *SEPARATELY_COMPARED), _without(after, *SEPARATELY_COMPARED)
    for rule in sorted(old.keys() | new.keys()):
        if old.get(rule) != new.get(rule):
            yield f"{name} had {rule} {old.get(rule, 'unset')}, and has {new.get(rule, 'unset')}"


def _compare_fields(before: Schema, after: Schema, path: str) -> Iterator[str]:
    for name, schema in before["properties"].items():
        if name not in after["properties"]:
            yield f"{path}{name} is removed, and consumers may read it"
        else:
            yield from _compare(schema, after["properties"][name], path + name)
    for name in after.get("required", []):
        if name not in before["properties"]:
            yield f"{path}{name} is new and has no default, and old events do not have it"
        elif name not in before.get("required", []):
            yield f"{path}{name} has lost its default, and old events may not have it"


def _compare_values(before: set[str], after: set[str], name: str) -> Iterator[str]:
    if removed := sorted(before - after):
        yield f"{name} no longer allows {', '.join(removed)}, which old events have"
    if added := sorted(after - before):
        yield f"{name} now allows {', '.join(added)}, which old consumers cannot read"


def _without(schema: Schema, *keys: str) -> Schema:
    return {key: value for key, value in schema.items() if key not in keys}
