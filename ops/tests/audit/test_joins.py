from collections.abc import AsyncGenerator

from hypothesis import given
from hypothesis import strategies as st

from ticketing_ops.audit.joins import side_by_side
from ticketing_ops.audit.looking import Row

keys = st.lists(st.sampled_from("abcdef")).map(sorted)


async def rows(keys: list[str]) -> AsyncGenerator[tuple[str, Row], None]:
    for number, key in enumerate(keys):
        yield key, {"key": key, "number": number}


@given(keys, keys)
async def test_both_sides_are_told_whole_and_by_their_ids(
    left: list[str], right: list[str]
) -> None:
    met = [met async for met in side_by_side(rows(left), rows(right))]

    assert [key for key, _, _ in met] == sorted({*left, *right})
    assert [row["key"] for _, here, _ in met for row in here] == left
    assert [row["key"] for _, _, there in met for row in there] == right
    for key, here, there in met:
        assert {row["key"] for row in (*here, *there)} == {key}
