"""Which change of an event those who know it as it was would not survive.

Both ways round: whoever has the new code reads events of before, which the bus keeps; whoever has
the old code reads new ones, as long as an update takes.
"""

from collections.abc import Iterator
from typing import Any

Schema = dict[str, Any]

FIELDS = {"properties", "required", "default"}
"""Compared one by one."""


def breaks(before: Schema, after: Schema) -> list[str]:
    """What a change of a schema breaks, in words; nothing where it is compatible."""
    return list(_breaks(before, after, ""))


def _breaks(before: Schema, after: Schema, field: str) -> Iterator[str]:
    name = field or "the body"
    if "properties" in before and "properties" in after:
        yield from _of_fields(before, after, f"{field}." if field else "")
    if "enum" in before and "enum" in after:
        yield from _of_values(set(before["enum"]), set(after["enum"]), name)
        before, after = _without(before, "enum"), _without(after, "enum")
    if "default" in before and "default" in after and before["default"] != after["default"]:
        yield f"{name} means {after['default']!r} where it is not said, and meant another"
    rules, now = _without(before, *FIELDS), _without(after, *FIELDS)
    differing = [key for key in sorted(rules.keys() | now.keys()) if rules.get(key) != now.get(key)]
    for key in differing:
        yield f"{name} had {key} {rules.get(key, 'unset')}, and has {now.get(key, 'unset')}"


def _of_fields(before: Schema, after: Schema, path: str) -> Iterator[str]:
    for name, schema in before["properties"].items():
        if name not in after["properties"]:
            yield f"{path}{name} is gone, and who listens may read it"
        else:
            yield from _breaks(schema, after["properties"][name], path + name)
    for name in after.get("required", []):
        if name not in before["properties"]:
            yield f"{path}{name} is new and has no default, and events of before have none of it"
        elif name not in before.get("required", []):
            yield f"{path}{name} has lost its default, and events of before may have none of it"


def _of_values(before: set[str], after: set[str], name: str) -> Iterator[str]:
    if gone := sorted(before - after):
        yield f"{name} may be {', '.join(gone)} no more, and events of before are"
    if new := sorted(after - before):
        yield f"{name} may be {', '.join(new)} now, which who listens with the old code cannot read"


def _without(schema: Schema, *keys: str) -> Schema:
    return {key: value for key, value in schema.items() if key not in keys}
