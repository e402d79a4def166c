import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from bson import ObjectId
from pydantic import BaseModel, ValidationError

from ticketing_common.events import (
    EVENTS,
    DomainEvent,
    Envelope,
    Id,
    InvalidMessage,
    OrderCreated,
    Price,
    TicketCreated,
    TicketUpdated,
    UserForgotPassword,
    UtcTime,
)
from ticketing_testing import new_event, new_id


class Values(BaseModel):
    id: Id = "0" * 24
    price: Price = 1_00
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

    assert Envelope(event.subject, json.dumps(grown).encode()).parse(event_type) == event


def test_event_subjects_are_unique() -> None:
    assert len({event.subject for event in EVENTS}) == len(EVENTS)


def test_invalid_message_error_repeats_no_value() -> None:
    body = json.dumps({"id": new_id(), "version": 0, "token": "secret"}).encode()

    with pytest.raises(InvalidMessage) as error:
        Envelope("user.forgot-password", body).parse(UserForgotPassword)

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
        price = 19_99
        user_id = new_id()

    made = TicketUpdated.of(Ticket, order_id=None)

    assert (made.id, made.version, made.price) == (str(Ticket.id), 3, 19_99)
    with pytest.raises(ValidationError):
        TicketUpdated.of(Ticket)  # has no order_id


@pytest.mark.parametrize(
    ("price", "wire"),
    [(10_00, "10"), (19_99, "19.99"), (10, "0.1"), (1_000_000_00, "1000000"), (12_50, "12.5")],
)
def test_price_is_minor_units_in_python_and_a_number_of_major_units_in_json(
    price: int, wire: str
) -> None:
    values = Values(price=price)

    assert values.price == price
    assert f'"price":{wire},' in values.model_dump_json()
    assert Values.model_validate_json(values.model_dump_json()).price == price
    assert Values.model_validate_json(f'{{"price": {wire}}}').price == price


@pytest.mark.parametrize("price", [0, -1, 1_000_000_01, 10**30, 19.99, 5.0, True, "5", None])
def test_price_refuses_invalid_values(price: object) -> None:
    with pytest.raises(ValidationError):
        Values(price=price)


@pytest.mark.parametrize(
    "wire",
    ["0", "-1", "0.001", "10.999", "1000000.01", "1e300", "NaN", "Infinity", "true", '"5"', "null"],
)
def test_price_refuses_invalid_json(wire: str) -> None:
    with pytest.raises(ValidationError):
        Values.model_validate_json(f'{{"price": {wire}}}')


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


@pytest.mark.parametrize("headers", [{}, {"ce-source": "/tickets"}, {"ce-source": "orders"}])
def test_event_of_another_source_is_refused(headers: dict[str, str]) -> None:
    event = new_event(OrderCreated)
    body = event.model_dump_json(by_alias=True).encode()

    with pytest.raises(InvalidMessage, match=r"not its producer /orders"):
        Envelope(event.subject, body, headers).decode(OrderCreated)
