"""Compatible and breaking changes of an event."""

from enum import StrEnum
from pathlib import Path
from typing import Any, ClassVar

import pytest
from pydantic import BaseModel, Field, create_model

from ticketing_common.events import DomainEvent, Id, Price, VersionedEvent
from ticketing_dev.tools.events.compatibility import breaking_changes
from ticketing_dev.tools.events.schemas import (
    find_breaking_changes,
    schema_of,
    snapshot,
    update_snapshots,
)


class Mood(StrEnum):
    GOOD = "good"
    BAD = "bad"


class Seat(BaseModel):
    row: int
    number: int = 1


class TicketPraised(VersionedEvent):
    subject: ClassVar[str] = "ticket.praised"

    by: Id
    text: str
    mood: Mood
    seat: Seat
    tip: Price | None = None


def changed(*without: str, **fields: Any) -> type[DomainEvent]:
    """Return the event with fields removed, added or changed."""
    names = {name: (f.annotation, f) for name, f in TicketPraised.model_fields.items()}
    for name in without:
        del names[name]
    made = create_model("TicketPraised", __base__=DomainEvent, **(names | fields))
    made.subject = TicketPraised.subject
    return made


def changes_in(event: type[DomainEvent]) -> list[str]:
    return breaking_changes(schema_of(TicketPraised), schema_of(event))


class Worse(StrEnum):
    BAD = "bad"


class Wider(StrEnum):
    GOOD = "good"
    BAD = "bad"
    MIXED = "mixed"


class Bench(BaseModel):
    row: str


@pytest.mark.parametrize(
    "event",
    [
        changed(),
        changed(likes=(int, 0)),
        changed(reason=(str | None, None)),
        changed(text=(str, Field(description="In any language."))),
        changed(text=(str, "")),
        changed(seat=(create_model("Seat", __base__=Seat, balcony=(bool, False)), ...)),
    ],
    ids=[
        "no change",
        "a new field",
        "a nullable field",
        "a description",
        "a default",
        "a nested field",
    ],
)
def test_breaking_changes_accepts_compatible_changes(event: type[DomainEvent]) -> None:
    assert changes_in(event) == []


@pytest.mark.parametrize(
    ("event", "message"),
    [
        (changed("text"), "text is removed"),
        (changed(likes=(int, ...)), "likes is new and has no default"),
        (changed(text=(int, ...)), "text had type string, and has integer"),
        (changed(mood=(Worse, ...)), "mood no longer allows good"),
        (changed(mood=(Wider, ...)), "mood now allows mixed"),
        (changed(text=(str, Field(max_length=9))), "text had maxLength unset, and has 9"),
        (changed(by=(str, ...)), "by had pattern ^[0-9a-f]{24}$, and has unset"),
        (changed(by=(Id | None, ...)), "by had anyOf unset"),
        (changed(tip=(Price | None, ...)), "tip has lost its default"),
        (changed(seat=(Bench, ...)), "seat.number is removed"),
        (changed(seat=(Bench, ...)), "seat.row had type integer, and has string"),
        (
            changed(seat=(create_model("Seat", row=(int, ...), number=(int, 2)), ...)),
            "seat.number has the new default 2",
        ),
    ],
)
def test_breaking_changes_names_the_field_and_the_reason(
    event: type[DomainEvent], message: str
) -> None:
    assert any(each.startswith(message) for each in changes_in(event)), changes_in(event)


def test_update_snapshots_writes_compatible_changes_only(tmp_path: Path) -> None:
    assert update_snapshots([TicketPraised], tmp_path) == ["ticket.praised"]
    assert update_snapshots([TicketPraised], tmp_path) == []
    grown = changed(likes=(int, 0))
    assert update_snapshots([grown], tmp_path) == ["ticket.praised"]

    with pytest.raises(ValueError, match="likes is removed") as raised:
        update_snapshots([TicketPraised], tmp_path)

    assert "a new field has a default" in str(raised.value)
    assert "a new event on a new subject" in str(raised.value)
    assert snapshot("ticket.praised", tmp_path) == schema_of(grown)


def test_find_breaking_changes_reports_a_removed_event(tmp_path: Path) -> None:
    update_snapshots([TicketPraised], tmp_path)

    [change] = find_breaking_changes([], tmp_path)
    assert change.startswith("ticket.praised is removed")
