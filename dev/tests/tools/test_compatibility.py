"""Which changes of an event are let through, and in which words the others are refused."""

from enum import StrEnum
from pathlib import Path
from typing import Any, ClassVar

import pytest
from pydantic import BaseModel, Field, create_model

from ticketing_common.events import VersionedEvent, DomainEvent, Id, Price
from ticketing_dev.tools.compatibility import breaks
from ticketing_dev.tools.event_schemas import broken, kept, renew, schema_of


class Mood(StrEnum):
    GOOD = "good"
    BAD = "bad"


class Seat(BaseModel):
    row: int
    number: int = 1


class TicketPraised(VersionedEvent):
    subject: ClassVar[str] = "ticket.praised"

    by: Id
    words: str
    mood: Mood
    seat: Seat
    tip: Price | None = None


def changed(*without: str, **fields: Any) -> type[DomainEvent]:
    """The event with fields taken away, and others added or in another form."""
    names = {name: (f.annotation, f) for name, f in TicketPraised.model_fields.items()}
    for name in without:
        del names[name]
    made = create_model("TicketPraised", __base__=DomainEvent, **(names | fields))
    made.subject = TicketPraised.subject
    return made


def of(event: type[DomainEvent]) -> list[str]:
    return breaks(schema_of(TicketPraised), schema_of(event))


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
        changed(why=(str | None, None)),
        changed(words=(str, Field(description="In whichever tongue."))),
        changed(words=(str, "")),
        changed(seat=(create_model("Seat", __base__=Seat, balcony=(bool, False)), ...)),
    ],
    ids=["none", "a new field", "one that may be null", "prose", "a default", "inside"],
)
def test_a_change_that_everybody_survives_is_no_break(event: type[DomainEvent]) -> None:
    assert of(event) == []


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (changed("words"), "words is gone"),
        (changed(likes=(int, ...)), "likes is new and has no default"),
        (changed(words=(int, ...)), "words had type string, and has integer"),
        (changed(mood=(Worse, ...)), "mood may be good no more"),
        (changed(mood=(Wider, ...)), "mood may be mixed now"),
        (changed(words=(str, Field(max_length=9))), "words had maxLength unset, and has 9"),
        (changed(by=(str, ...)), "by had pattern ^[0-9a-f]{24}$, and has unset"),
        (changed(by=(Id | None, ...)), "by had anyOf unset"),
        (changed(tip=(Price | None, ...)), "tip has lost its default"),
        (changed(seat=(Bench, ...)), "seat.number is gone"),
        (changed(seat=(Bench, ...)), "seat.row had type integer, and has string"),
        (
            changed(seat=(create_model("Seat", row=(int, ...), number=(int, 2)), ...)),
            "seat.number means 2",
        ),
    ],
)
def test_a_break_is_told_with_the_field_and_what_it_breaks(
    event: type[DomainEvent], words: str
) -> None:
    assert any(each.startswith(words) for each in of(event)), of(event)


def test_a_compatible_change_is_kept_and_a_break_is_not(tmp_path: Path) -> None:
    assert renew([TicketPraised], tmp_path) == ["ticket.praised"]
    assert renew([TicketPraised], tmp_path) == []
    grown = changed(likes=(int, 0))
    assert renew([grown], tmp_path) == ["ticket.praised"]

    with pytest.raises(ValueError, match="likes is gone") as refused:
        renew([TicketPraised], tmp_path)

    assert "a new field has a default" in str(refused.value)
    assert "a new event, on a new subject" in str(refused.value)
    assert kept("ticket.praised", tmp_path) == schema_of(grown)


def test_an_event_that_is_said_no_more_is_not_forgotten_at_once(tmp_path: Path) -> None:
    renew([TicketPraised], tmp_path)

    [told] = broken([], tmp_path)
    assert told.startswith("ticket.praised is said no more")
