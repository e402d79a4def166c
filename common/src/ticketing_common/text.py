"""Text from outside: its normal form, the refused characters, and the words of a search.

The client compares words in the same way (client/src/lib/ticket-search.ts): the cases in
common/tests/cases/search.json hold for both.
"""

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import Literal

# Not str.isprintable: it also refuses the joiners inside emoji and every space but U+0020.
_CONTROLS = "\\u0000-\\u001f\\u007f-\\u009f\\u2028\\u2029"
_BIDI_CONTROLS = "\\u202a-\\u202e\\u2066-\\u2069"
MAX_NORMALIZED = 1000
PLAIN_TEXT_PATTERN = f"^[^{_CONTROLS}{_BIDI_CONTROLS}]*$"
"""For JSON schemas."""
_CONTROL = re.compile(f"[{_CONTROLS}]")
_BIDI_CONTROL = re.compile(f"[{_BIDI_CONTROLS}]")
_RIGHT_TO_LEFT = ("R", "AL", "AN")
# Characters that show nothing, of the categories that show something. All others that show nothing
# are marks, separators, controls or formats.
_BLANK = re.compile(
    "[\u115f\u1160\u2065\u2800\u3164\uffa0\ufff0-\ufff8\U0001d159\U000e0000-\U000e0fff]"
)
_ACCENT = re.compile(
    "[\u0300-\u036f"
    "\u0591-\u05c7\u064b-\u065f\u0670"  # Hebrew and Arabic vowels
    "\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe00-\ufe0f\ufe20-\ufe2f]"
)
_REPLACEMENTS = str.maketrans(
    {
        "\u00e6": "ae",
        "\u00f0": "d",
        "\u00f8": "o",
        "\u00fe": "th",
        "\u0111": "d",
        "\u0127": "h",
        "\u0142": "l",
        "\u0153": "oe",
        "\u0167": "t",
        "\u03c2": "\u03c3",  # a sigma at the end of a word
    }
)


def normalize(text: str, form: Literal["NFC", "NFKC"] = "NFC") -> str:
    """Return the form in which text is stored and compared.

    Text above `MAX_NORMALIZED` is returned as it is: every limit is lower, and the time grows with
    the square of the number of marks (64 KiB of them take a second).
    """
    return unicodedata.normalize(form, text) if len(text) <= MAX_NORMALIZED else text


def has_control(text: str) -> bool:
    """Return whether text has a control character or a separator of lines or paragraphs."""
    return _CONTROL.search(text) is not None


def has_bidi_control(text: str) -> bool:
    """Return whether text has a character that can turn around the text after it.

    The marks U+200E, U+200F and U+061C are not among them: right-to-left writers need them, and
    isolated text (`<bdi>`) keeps their effect inside.
    """
    return _BIDI_CONTROL.search(text) is not None


def has_blank(text: str) -> bool:
    """Return whether text has a character of `_BLANK`: nobody sees it."""
    return _BLANK.search(text) is not None


def is_visible(text: str) -> bool:
    """Return whether text shows anything."""
    return any(map(_shows, text))


def _shows(character: str) -> bool:
    category = unicodedata.category(character)
    # Not assigned (Cn) can be a character that is newer than Python's tables.
    return (category[0] in "LNPS" or category in ("Cn", "Co")) and not _BLANK.match(character)


def escape_controls(text: str) -> str:
    """Return text for a terminal: controls and direction controls become `\\u....`."""
    return re.sub(
        f"[{_CONTROLS}{_BIDI_CONTROLS}]", lambda found: f"\\u{ord(found.group()):04x}", text
    )


def isolate(text: str) -> str:
    """Return text that leaves the order of the text around it as it is.

    Right-to-left text is put between U+2068 and U+2069. Controls in text of an earlier release are
    dropped.
    """
    text = _BIDI_CONTROL.sub("", text)
    if any(unicodedata.bidirectional(character) in _RIGHT_TO_LEFT for character in text):
        return f"\u2068{text}\u2069"
    return text


@lru_cache(4096)
def split_words(text: str) -> tuple[str, ...]:
    """Return the words of a title or a query, as a search compares them.

    A word is a sequence of alphabetic characters, digits and marks. Case, accents and compatible
    forms (NFKC) make no difference. The upper case in between unites the lower-case forms that
    share it, such as both forms of the Turkish i.
    """
    if text.isascii():
        return tuple(re.findall("[0-9a-z]+", text.lower()))
    decomposed = _ACCENT.sub("", unicodedata.normalize("NFKD", text))
    folded = decomposed.lower().upper().lower().translate(_REPLACEMENTS)
    composed = unicodedata.normalize("NFC", folded)
    return tuple("".join(map(_part_of_word, composed)).split())


def begins_words(wanted: Sequence[str], title: str) -> bool:
    """Return whether the title has, for each of the words, a word that begins with it."""
    return all(any(each.startswith(word) for each in split_words(title)) for word in wanted)


@lru_cache(4096)
def _part_of_word(character: str) -> str:
    """Return the character, or nothing for a format, or a space for one between words."""
    category = unicodedata.category(character)
    if category == "Cf":
        return ""
    return character if category[0] in "LMN" else " "
