"""Snapshots of the JSON schema of each event in docs/events, to detect breaking changes.

`python -m ticketing_dev.tools.events.schemas` updates them if all changes are compatible.
"""

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ticketing_common.events import EVENTS, DomainEvent
from ticketing_dev.checkout import ROOT
from ticketing_dev.tools.events.compatibility import breaking_changes

SNAPSHOTS = ROOT / "docs" / "events"

ANNOTATIONS = ("title", "description", "examples")
"""Keywords that do not restrict the JSON."""

ADVICE = """\
Streams keep events for 30 days, and old and new versions of a service run side by side during an
update. So:
- a new field has a default, with the meaning of an event without the field;
- a field is never removed or renamed, and its type, range, values and meaning never change;
- any other change is a new event on a new subject, published beside the old one.
See docs/events.md for an example of each."""


def schema_of(event: type[DomainEvent]) -> dict[str, Any]:
    """Return the JSON schema of the event's body, without references and annotations."""
    schema = event.model_json_schema(by_alias=True)
    inlined: dict[str, Any] = _inline(schema, schema.get("$defs", {}))
    return inlined


def _inline(schema: Any, definitions: dict[str, Any]) -> Any:
    if isinstance(schema, list):
        return [_inline(each, definitions) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        found = definitions[schema["$ref"].rpartition("/")[2]]
        return _inline(found | {key: schema[key] for key in schema.keys() - {"$ref"}}, definitions)
    return {
        key: {name: _inline(field, definitions) for name, field in value.items()}
        if key == "properties"
        else _inline(value, definitions)
        for key, value in schema.items()
        if key not in ANNOTATIONS and key != "$defs"
    }


def snapshot(subject: str, folder: Path = SNAPSHOTS) -> dict[str, Any] | None:
    """Return the stored schema; None for a new event."""
    try:
        schema: dict[str, Any] = json.loads((folder / f"{subject}.json").read_text())
    except FileNotFoundError:
        return None
    return schema


def find_breaking_changes(
    events: Iterable[type[DomainEvent]] = EVENTS, folder: Path = SNAPSHOTS
) -> list[str]:
    """Return a description of each breaking change since the snapshots."""
    by_subject = {event.subject: event for event in events}
    found = [
        f"{path.stem} is removed while streams still have it. Keep its class for 30 days after the "
        "last service that publishes it, then delete this file too."
        for path in sorted(folder.glob("*.json"))
        if path.stem not in by_subject
    ]
    for subject, event in by_subject.items():
        if (before := snapshot(subject, folder)) is not None:
            changes = breaking_changes(before, schema_of(event))
            found += [f"{subject}: {change}" for change in changes]
    return found


def update_snapshots(
    events: Iterable[type[DomainEvent]] = EVENTS, folder: Path = SNAPSHOTS
) -> list[str]:
    """Store the current schemas. Return the subjects that changed.

    Raises:
        ValueError: a change is breaking; the message has advice.
    """
    events = list(events)
    if found := find_breaking_changes(events, folder):
        raise ValueError("\n".join([*found, "", ADVICE]))
    changed = [event for event in events if snapshot(event.subject, folder) != schema_of(event)]
    folder.mkdir(exist_ok=True)
    for event in changed:
        text = json.dumps(schema_of(event), indent=2) + "\n"
        (folder / f"{event.subject}.json").write_text(text)
    return [event.subject for event in changed]


if __name__ == "__main__":
    try:
        update_snapshots()
    except ValueError as error:
        sys.exit(str(error))
