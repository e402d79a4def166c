"""Two collections side by side, in the order of their ids: memory holds one id's rows of each."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from ticketing_ops.audit.looking import Keyed, Row

Group = tuple[str, list[Row]]


async def side_by_side(
    left: Keyed, right: Keyed
) -> AsyncGenerator[tuple[str, list[Row], list[Row]], None]:
    """For each id that either has, the rows of it on both sides. Both come in the ids' order."""
    async with aclosing(_groups(left)) as lefts, aclosing(_groups(right)) as rights:
        one, other = await anext(lefts, None), await anext(rights, None)
        while one is not None or other is not None:
            key = min(group[0] for group in (one, other) if group is not None)
            in_left, in_right = [], []
            if one is not None and one[0] == key:
                in_left, one = one[1], await anext(lefts, None)
            if other is not None and other[0] == key:
                in_right, other = other[1], await anext(rights, None)
            yield key, in_left, in_right


async def _groups(rows: Keyed) -> AsyncGenerator[Group, None]:
    async with aclosing(rows):
        group: Group | None = None
        async for key, row in rows:
            if group is not None and group[0] == key:
                group[1].append(row)
                continue
            if group is not None:
                yield group
            group = (key, [row])
        if group is not None:
            yield group
