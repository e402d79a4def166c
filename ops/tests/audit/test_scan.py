from collections.abc import AsyncGenerator

from hypothesis import given
from hypothesis import strategies as st

from ticketing_ops.audit.scan import Row, merge_join

keys = st.lists(st.sampled_from("abcdef")).map(sorted)


async def rows(keys: list[str]) -> AsyncGenerator[tuple[str, Row], None]:
    for number, key in enumerate(keys):
        yield key, {"key": key, "number": number}


@given(keys, keys)
async def test_merge_join_groups_all_rows_of_both_sides_by_id(
    left: list[str], right: list[str]
) -> None:
    joined = [group async for group in merge_join(rows(left), rows(right))]

    assert [key for key, _, _ in joined] == sorted({*left, *right})
    assert [row["key"] for _, left_rows, _ in joined for row in left_rows] == left
    assert [row["key"] for _, _, right_rows in joined for row in right_rows] == right
    for key, left_rows, right_rows in joined:
        assert {row["key"] for row in (*left_rows, *right_rows)} == {key}
