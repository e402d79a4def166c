"""What each event looks like on the wire, kept in docs/events so that a change is seen.

`python -m ticketing_dev.tools.event_schemas` updates it where the change is compatible.
"""

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ticketing_common.events import EVENTS, DomainEvent
from ticketing_dev.checkout import ROOT
from ticketing_dev.tools.compatibility import breaks

SNAPSHOTS = ROOT / "docs" / "events"

WORDS = ("title", "description", "examples")
"""What says nothing of which JSON is an event."""

ADVICE = """\
Events of before stay on the bus for 30 days, and services of before and after are at work side by
side during each update. So:
- a new field has a default, which means what an event without the field meant;
- a field never goes, and never gets another name, type, range, set of values or meaning;
- what cannot be had so is a new event, on a new subject, said beside the old one.
docs/events.md has an example of each."""


def schema_of(event: type[DomainEvent]) -> dict[str, Any]:
    """The JSON schema of the event's body, with no reference to elsewhere and no prose."""
    schema = event.model_json_schema(by_alias=True)
    plain: dict[str, Any] = _plain(schema, schema.get("$defs", {}))
    return plain


def _plain(schema: Any, definitions: dict[str, Any]) -> Any:
    if isinstance(schema, list):
        return [_plain(each, definitions) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        found = definitions[schema["$ref"].rpartition("/")[2]]
        return _plain(found | {key: schema[key] for key in schema.keys() - {"$ref"}}, definitions)
    return {
        key: {name: _plain(field, definitions) for name, field in value.items()}
        if key == "properties"
        else _plain(value, definitions)
        for key, value in schema.items()
        if key not in WORDS and key != "$defs"
    }


def kept(subject: str, folder: Path = SNAPSHOTS) -> dict[str, Any] | None:
    """The schema as it was when it was last agreed to, None for a new event."""
    try:
        schema: dict[str, Any] = json.loads((folder / f"{subject}.json").read_text())
    except FileNotFoundError:
        return None
    return schema


def broken(events: Iterable[type[DomainEvent]] = EVENTS, folder: Path = SNAPSHOTS) -> list[str]:
    """What the events break of what was agreed to, in words."""
    by_subject = {event.subject: event for event in events}
    found = [
        f"{path.stem} is said no more, and old ones of it are still to be heard. Its class stays "
        "for 30 days after the last service that says it; then delete this file, too."
        for path in sorted(folder.glob("*.json"))
        if path.stem not in by_subject
    ]
    for subject, event in by_subject.items():
        if (before := kept(subject, folder)) is not None:
            found += [f"{subject}: {each}" for each in breaks(before, schema_of(event))]
    return found


def renew(events: Iterable[type[DomainEvent]] = EVENTS, folder: Path = SNAPSHOTS) -> list[str]:
    """Keep the schemas as they are now, and give the subjects that have changed.

    Raises ValueError, in words that say what to do instead, where anything breaks.
    """
    events = list(events)
    if wrong := broken(events, folder):
        raise ValueError("\n".join([*wrong, "", ADVICE]))
    changed = [event for event in events if kept(event.subject, folder) != schema_of(event)]
    folder.mkdir(exist_ok=True)
    for event in changed:
        text = json.dumps(schema_of(event), indent=2) + "\n"
        (folder / f"{event.subject}.json").write_text(text)
    return [event.subject for event in changed]


if __name__ == "__main__":
    try:
        renew()
    except ValueError as error:
        sys.exit(str(error))
