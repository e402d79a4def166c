import math
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from bson import Int64, ObjectId
from hypothesis import given
from hypothesis import strategies as st

from ticketing_common.events import MAX_PRICE, to_milliseconds, utc_now
from ticketing_common.web.rendering import NotRenderable, render_rows
from tickets.rendering import render_ticket
from tickets.schemas import TicketResponse

object_ids = st.binary(min_size=12, max_size=12).map(ObjectId)
id_texts = object_ids.map(str)
times = st.datetimes(min_value=datetime(1, 1, 2), timezones=st.just(UTC)).map(to_milliseconds)  # noqa: DTZ001
valid = {
    "_id": object_ids,
    "title": st.text(),
    "price": st.integers(1, MAX_PRICE) | st.integers(1, MAX_PRICE).map(Int64),
    "user_id": id_texts,
    "order_id": st.none() | id_texts,
    "reserved_until": st.none() | times,
    "sold_at": times,
    "version": st.integers(0, 2**40),
}
junk = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**18), 10**18),
    st.floats(),
    st.text(),
    st.just(["x"]),
    st.just({"x": 1}),
)


@given(st.fixed_dictionaries(valid))
def test_ticket_is_rendered_as_its_response_model(row: dict[str, Any]) -> None:
    model = TicketResponse.model_validate(row | {"id": row["_id"]})

    assert render_ticket(row) == model.model_dump_json(by_alias=True)


@given(st.fixed_dictionaries({name: each | junk for name, each in valid.items()}))
def test_rendered_ticket_satisfies_its_response_model(row: dict[str, Any]) -> None:
    try:
        text = render_ticket(row)
    except (NotRenderable, TypeError):
        return
    assert TicketResponse.model_validate_json(text).model_dump_json(by_alias=True) == text


@pytest.mark.parametrize(
    "changes",
    [
        {"price": 0},
        {"price": MAX_PRICE + 1},
        {"price": True},
        {"price": math.nan},
        {"title": 1},
        {"user_id": "x" * 24},
        {"order_id": ""},
        {"reserved_until": "10:05"},
        {"sold_at": datetime(2026, 11, 28)},  # noqa: DTZ001
        {"version": -1},
        {"version": None},
    ],
)
def test_row_with_an_invalid_value_is_omitted(changes: dict[str, Any]) -> None:
    row = {"_id": ObjectId(), "title": "a", "price": 1, "user_id": str(ObjectId()), "version": 0}

    text = render_rows("ticket", [row | changes, row, {"_id": ObjectId()}], render_ticket)

    assert text == f"[{render_ticket(row)}]"


@pytest.mark.parametrize(
    ("age", "is_sold"),
    [(timedelta(days=2), True), (timedelta(minutes=2), False)],
)
def test_ticket_of_an_earlier_release_is_sold_if_its_order_is_old(
    age: timedelta, is_sold: bool
) -> None:
    ordered_at = (utc_now() - age).replace(microsecond=0)
    row = {"_id": ObjectId(), "title": "a", "price": 1, "user_id": str(ObjectId()), "version": 0}

    text = render_ticket(row | {"order_id": str(ObjectId.from_datetime(ordered_at))})

    ticket = TicketResponse.model_validate_json(text)
    assert ticket.sold_at == (ordered_at if is_sold else None)
