"""What lasts, and what was only on its way."""

from collections.abc import AsyncGenerator, Callable, Sequence
from datetime import timedelta
from typing import Any, cast

import pytest

from ticketing_common.events import utc_now
from ticketing_ops.audit import kinds, looking
from ticketing_ops.audit.findings import Finding
from ticketing_ops.audit.looking import Check, Look, lasting
from ticketing_ops.audit.stores import Stores

LOOK = Look(cast(Stores, None), utc_now(), timedelta(seconds=7))


def trouble(about: str, as_seen: str = "") -> Finding:
    return Finding(kinds.COPY_BEHIND, {"ticket": about}, "wrong", about, as_seen)


class Scripted:
    """A check that sees one thing after another."""

    def __init__(self, *looks: Sequence[Finding]) -> None:
        self._looks = iter(looks)
        self.asked: list[frozenset[str] | None] = []

    @property
    def check(self) -> Check:
        return Check("scripted", self.find)

    async def find(self, look: Look) -> AsyncGenerator[Finding, None]:
        self.asked.append(look.only)
        for finding in next(self._looks):
            yield finding


@pytest.fixture
def waits() -> tuple[list[timedelta], Callable[[timedelta], Any]]:
    waited: list[timedelta] = []

    async def wait(grace: timedelta) -> None:
        waited.append(grace)

    return waited, wait


async def test_what_is_still_so_after_the_grace_is_told(waits: Any) -> None:
    waited, wait = waits
    script = Scripted([trouble("a"), trouble("b")], [trouble("b")])

    verdict = await lasting(script.check, LOOK, wait)

    assert verdict.findings == [trouble("b")]
    assert script.asked == [None, frozenset({"a", "b"})]
    assert waited == [LOOK.grace]


async def test_nobody_waits_where_nothing_looks_wrong(waits: Any) -> None:
    waited, wait = waits
    assert (await lasting(Scripted([]).check, LOOK, wait)).findings == []
    assert waited == []


async def test_what_has_moved_on_meanwhile_is_not_told(waits: Any) -> None:
    script = Scripted([trouble("a", as_seen="version 3")], [trouble("a", as_seen="version 8")])
    assert (await lasting(script.check, LOOK, waits[1])).findings == []


async def test_what_went_wrong_only_on_the_second_look_is_left_to_the_next_audit(
    waits: Any,
) -> None:
    script = Scripted([trouble("a")], [trouble("a"), trouble("c")])
    assert (await lasting(script.check, LOOK, waits[1])).findings == [trouble("a")]


async def test_a_lag_of_any_length_is_looked_at_in_batches_to_its_end(
    waits: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looking, "AT_ONCE", 2)
    script = Scripted([trouble(name) for name in "abcde"], [], [trouble("d")], [trouble("e")])

    verdict = await lasting(script.check, LOOK, waits[1])

    assert verdict.findings == [trouble("d"), trouble("e")]
    assert verdict.is_whole
    assert script.asked[1:] == [frozenset("ab"), frozenset("cd"), frozenset("e")]


async def test_whoever_finds_too_much_looks_no_further_and_says_so(
    waits: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looking, "AT_ONCE", 2)
    monkeypatch.setattr(looking, "MOST", 2)
    wrong = [trouble(name) for name in "abcde"]

    verdict = await lasting(Scripted(wrong, wrong).check, LOOK, waits[1])

    assert verdict.findings == wrong[:2]
    assert not verdict.is_whole
