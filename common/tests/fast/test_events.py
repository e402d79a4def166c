import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from bson import Decimal128, ObjectId
from pydantic import BaseModel, ValidationError

from ticketing_common.events import (
    EVENTS,
    DomainEvent,
    Envelope,
    Id,
    InvalidMessage,
    Price,
    TicketCreated,
    TicketUpdated,
    UserForgotPassword,
    UtcTime,
)
from ticketing_testing import new_event, new_id


class Values(BaseModel):
    id: Id = "0" * 24
    price: Price = Decimal(1)
    at: UtcTime = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("event_type", EVENTS)
def test_event_survives_encoding_and_decoding(event_type: type[DomainEvent]) -> None:
    event = new_event(event_type)

    envelope = Envelope.encode(event, id="1", time=datetime.now(UTC), trace={})

    assert envelope.decode(event_type) == event
    assert envelope.headers["ce-type"] == event_type.__name__
    assert envelope.headers["ce-source"] == f"/{event.producer}"
    assert all("_" not in name for name in json.loads(envelope.body))


@pytest.mark.parametrize("event_type", EVENTS)
def test_event_ignores_unknown_fields(event_type: type[DomainEvent]) -> None:
    event = new_event(event_type)
    grown = json.loads(event.model_dump_json(by_alias=True)) | {"somethingNew": 1}

    assert Envelope(event.subject, json.dumps(grown).encode()).decode(event_type) == event


def test_event_subjects_are_unique() -> None:
    assert len({event.subject for event in EVENTS}) == len(EVENTS)


def test_invalid_message_error_repeats_no_value() -> None:
    body = json.dumps({"id": new_id(), "version": 0, "token": "secret"}).encode()

    with pytest.raises(InvalidMessage) as error:
        Envelope("user.forgot-password", body).decode(UserForgotPassword)

    assert "token" in str(error.value)
    assert "secret" not in str(error.value)


def test_secret_is_in_the_message_but_not_in_repr() -> None:
    event = new_event(UserForgotPassword)

    assert '"value":"secret"' in event.model_dump_json(by_alias=True)
    assert "secret" not in repr(event)


def test_of_builds_an_event_from_a_document() -> None:
    class Ticket:
        id = ObjectId()
        version = 3
        title = "Concert"
        price = Decimal("19.99")
        user_id = new_id()

    made = TicketUpdated.of(Ticket, order_id=None)

    assert (made.id, made.version, made.price) == (str(Ticket.id), 3, Decimal("19.99"))
    with pytest.raises(ValidationError):
        TicketUpdated.of(Ticket)  # has no order_id


@pytest.mark.parametrize(
    ("price", "wire"),
    [(10, "10"), (19.99, "19.99"), (0.1, "0.1"), (1_000_000, "1000000"), (12.50, "12.5")],
)
def test_price_is_a_json_number_and_an_exact_decimal(price: float, wire: str) -> None:
    values = Values(price=price)

    assert isinstance(values.price, Decimal)
    assert json.loads(values.model_dump_json())["price"] == json.loads(wire)
    assert f'"price":{wire}' in values.model_dump_json()
    assert Values(price=Decimal128(values.price)).price == values.price


@pytest.mark.parametrize(
    "price",
    [0, -1, 0.001, 10.999, 1_000_000.01, 1e300, float("nan"), float("inf"), True, "5", None],
)
def test_price_refuses_invalid_values(price: object) -> None:
    with pytest.raises(ValidationError):
        Values(price=price)


@pytest.mark.parametrize("text", ["", "0" * 23, "0" * 25, "g" * 24, "0" * 24 + "\n", "A" * 24])
def test_id_refuses_invalid_values(text: str) -> None:
    with pytest.raises(ValidationError, match="24 hex digits"):
        Values(id=text)


def test_time_is_in_utc_and_milliseconds() -> None:
    there = timezone(timedelta(hours=2))

    values = Values(at=datetime(2026, 1, 1, 2, 0, 0, 123_456, tzinfo=there))

    assert '"at":"2026-01-01T00:00:00.123000Z"' in values.model_dump_json()


def test_event_price_is_exact() -> None:
    event = new_event(TicketCreated, price=19.99)

    assert '"price":19.99' in event.model_dump_json(by_alias=True)
