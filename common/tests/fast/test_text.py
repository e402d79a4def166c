import json
from pathlib import Path
from typing import Any

import pytest

from ticketing_common.text import (
    begins_words,
    escape_controls,
    has_bidi_control,
    has_control,
    is_visible,
    isolate,
    normalize,
    split_words,
)

CASES = json.loads((Path(__file__).parent.parent / "cases" / "search.json").read_text())


def finds(query: str, title: str) -> bool:
    """Match as tickets' search and the client's `matchesSearch` do."""
    wanted = split_words(query)
    return not query.strip() or (bool(wanted) and begins_words(wanted, title))


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['query']} in {case['title']}")
def test_split_words_find_titles_as_the_client_does(case: dict[str, Any]) -> None:
    assert finds(case["query"], case["title"]) is case["found"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        " \u00a0\u2003\u3000",
        "\u200b",
        "\u2060\ufeff",
        "\u3164",
        "\u115f\u1160\uffa0",
        "\u00ad",
        "\u2800",
        "\u0301",
        "\u20e3 \ufe0f",
        "\u200d\u200e\u061c",
        "\U000e0041",
        "\ufff0",
    ],
)
def test_is_visible_refuses_text_that_shows_nothing(text: str) -> None:
    assert not is_visible(text)


@pytest.mark.parametrize("text", ["x", "1", "?", "\U0001f3b8", "\u05d0", "\u200b.", "\U0001fae8"])
def test_is_visible_accepts_anything_that_shows(text: str) -> None:
    assert is_visible(text)


def test_normalize_composes() -> None:
    assert normalize("Zoe\u0308") == "Zo\u00eb"


def test_controls_are_found() -> None:
    for code in [*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029]:
        assert has_control(f"a{chr(code)}b"), hex(code)
    assert not has_control("Zo\u00eb \U0001f468\u200d\U0001f469")


def test_bidi_controls_are_found_but_not_marks() -> None:
    for code in [*range(0x202A, 0x202F), *range(0x2066, 0x206A)]:
        assert has_bidi_control(f"a{chr(code)}"), hex(code)
    assert not has_bidi_control("\u200e\u200f\u061c")


def test_escape_controls_leaves_nothing_for_a_terminal_to_execute() -> None:
    assert escape_controls("a\x1b[2J\x9b\u202e \u00eb") == "a\\u001b[2J\\u009b\\u202e \u00eb"


def test_isolate_encloses_only_right_to_left_text() -> None:
    assert isolate("Concert, row 4") == "Concert, row 4"
    assert isolate("\u05e9\u05dc\u05d5\u05dd") == "\u2068\u05e9\u05dc\u05d5\u05dd\u2069"
    assert isolate("a\u202eb") == "ab"
