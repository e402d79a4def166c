from datetime import UTC, datetime
from typing import Any

from bson import ObjectId
from hypothesis import given
from hypothesis import strategies as st

from orders.rendering import render_order
from orders.schemas import OrderResponse
from ticketing_common.events import MAX_PRICE, CancelReason, OrderStatus, to_milliseconds
from ticketing_common.web.rendering import NotRenderable

object_ids = st.binary(min_size=12, max_size=12).map(ObjectId)
id_texts = object_ids.map(str)
times = st.datetimes(datetime(1970, 1, 1), datetime(2999, 1, 1), timezones=st.just(UTC)).map(  # noqa: DTZ001
    to_milliseconds
)
valid = {
    "_id": object_ids,
    "status": st.sampled_from(OrderStatus).map(str),
    "user_id": id_texts,
    "expires_at": times,
    "version": st.integers(0, 2**40),
    "ticket": st.fixed_dictionaries(
        {"id": id_texts, "title": st.text(), "price": st.integers(1, MAX_PRICE)},
        optional={"version": st.integers(0, 2**40)},
    ),
    "reason": st.none() | st.sampled_from(CancelReason).map(str),
}
junk = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text())


@given(st.fixed_dictionaries(valid))
def test_order_is_rendered_as_its_response_model(row: dict[str, Any]) -> None:
    model = OrderResponse.model_validate(row | {"id": row["_id"]})

    assert render_order(row) == model.model_dump_json(by_alias=True)


@given(st.fixed_dictionaries({name: each | junk for name, each in valid.items()}))
def test_rendered_order_satisfies_its_response_model(row: dict[str, Any]) -> None:
    try:
        text = render_order(row)
    except (NotRenderable, TypeError):
        return
    assert OrderResponse.model_validate_json(text).model_dump_json(by_alias=True) == text
