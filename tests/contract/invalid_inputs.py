"""Inputs by their place in a request: invalid for every route, or unusual but valid for some."""

import base64
import json

from tests.contract.tables import AN_ID

INVALID_BODIES = {
    "no body": b"",
    "half an object": b'{"title": ',
    "a number": b"1",
    "a list": b"[]",
    "a text": b'"title"',
    "null": b"null",
    "an empty object": b"{}",
    "no JSON": b"title=Concert",
    "a NUL byte": b"\x00",
    "bytes that are no UTF-8": b'{"title": "\xff\xfe"}',
    "lists in lists in lists": b"[" * 20_000 + b"]" * 20_000,
    "objects in objects in objects": b'{"a":' * 9_000 + b"1" + b"}" * 9_000,
    "a number of 5000 digits": b'{"price": ' + b"9" * 5_000 + b"}",
}
# JSON text, because Python's encoder cannot produce some of it.
INVALID_VALUES = {
    "null": "null",
    "true": "true",
    "a list": "[]",
    "a list of texts": '["a"]',
    "an object": "{}",
    "an operator": '{"$gt": ""}',
    "another operator": '{"$where": "sleep(1000)"}',
    "NaN": "NaN",
    "infinity": "-Infinity",
    "a number beyond all floats": "1e400",
    "a number of 31 digits": str(10**30),
    "a number of 5000 digits": "9" * 5_000,
    "half a character": '"\\ud800"',
    "half a character among whole ones": '"tok_abcdefgh\\ud800"',
    "an over-long text": json.dumps("x" * 4_000),
    "an empty text": '""',
}
# A password may have them.
INVALID_TEXTS = {
    "a NUL": '"\\u0000"',
    "a NUL inside": '"abc\\u0000defgh"',
    "a line break inside": '"abc\\ndefgh"',
    "a C1 control inside": '"abc\\u0085defgh"',
    "spaces": json.dumps("\u2003" * 12),
    "text that shows nothing": json.dumps("\u200b\u3164\u00ad\u2060\u115f\u0301" * 2),
    "text that turns the text after it around": json.dumps("abcd\u202efgh"),
    "an isolate without an end": json.dumps("abcd\u2067fgh"),
}
# Valid in some fields.
UNUSUAL_VALUES = {
    "an operator's name": '"$gt"',
    "one": "1",
    "a fraction": "1.005",
    "a negative number": "-1",
    "right-to-left text": json.dumps("\u05e9\u05dc\u05d5\u05dd 2026"),
}
INVALID_IDS = [
    "0",
    "null",
    "[object Object]",
    AN_ID[:-1],
    AN_ID + "0",
    "g" * 24,
    "x" * 5_000,
    "%00",
    "%ff%fe",
    AN_ID[:-3] + "%00",
    AN_ID + "%0A",
    "$gt",
    "%7B%22$gt%22:%22%22%7D",
    "\u0661" * 24,
]
INVALID_COOKIES = [
    "",
    "x",
    "..",
    "a.b.c",
    "\u00e9",
    "x" * 4_000,
    '"',
    # An unsigned token: {"alg": "none"} and valid claims.
    "eyJhbGciOiJub25lIn0."
    + base64.urlsafe_b64encode(
        json.dumps({"sub": AN_ID, "email": "a@example.com", "iat": 0, "exp": 9e12}).encode()
    ).decode()
    + ".",
]


def encode_cursor(content: str) -> str:
    return base64.urlsafe_b64encode(content.encode()).decode()


INVALID_CURSORS = [
    "",
    "x",
    "\u00e9",
    "=" * 8,
    "W%01yIx%0AIl0=",
    "x" * 300,
    encode_cursor("[]"),
    encode_cursor("{}"),
    encode_cursor("1"),
    encode_cursor("null"),
    encode_cursor('["1"]'),
    encode_cursor('["1", "x"]'),
    encode_cursor('["1", {"$gt": ""}]'),
    encode_cursor("[" * 90),
    encode_cursor(f'[{"9" * 80}, "x"]'),
]
INVALID_CURSOR_PRICES = ["", "x", "1e99999", "1e-99999", "sNaNx", "1" * 60, "{'$gt': ''}"]
INVALID_QUERIES = {
    "limit": [
        "",
        "1_0",
        "%2010",
        "10.0",
        "+5",
        "\u0661",
        "0",
        "101",
        "-1",
        "x",
        "1.5",
        "NaN",
        "1e2",
        "9" * 5_000,
        "%00",
    ],
    "sort": ["", "x", "$gt", "-title", "%00"],
    "seller": ["", "you", AN_ID, "%00"],
    "q": ["x" * 201, "%00", "a%0Ab", "%C2%85", "\u202e", "a\u2066b"],
    "cursor": INVALID_CURSORS,
    "token": ["", "x" * 129, "%00", "%ff", "$gt", "a b", "\u202e"],
    "lastEventId": ["x" * 41],
}
UNUSUAL_QUERIES = {
    "q": ["", "%ff", ".*", "(((((", "\\", "$gt", "a" * 200, "\u200b", "%F0%9F%8E%B8"],
    "lastEventId": ["", "%00", "%ff", "x", "-1", "9" * 40, "\u0661"],
    "unknown-parameter": ["", "%00", "x" * 5_000],
    "limit[$gt]": ["1"],
}
