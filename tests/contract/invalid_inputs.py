"""What a stranger sends, by where it stands in a request; wrong is what no route may take there."""

import base64
import json

from tests.contract.tables import AN_ID

WRONG_BODIES = {
    "nothing": b"",
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
# As JSON text, for some of it is none that Python would write.
WRONG_IN_ANY_FIELD = {
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
# What may be right for some fields.
ODD_IN_ANY_FIELD = {
    "a NUL": '"\\u0000"',
    "a NUL inside": '"abc\\u0000defgh"',
    "spaces": json.dumps("\u2003" * 12),
    "an operator's name": '"$gt"',
    "one": "1",
    "a fraction": "1.005",
    "less than nothing": "-1",
    "text the other way": json.dumps("\u202eabcdefgh"),
}
WRONG_IDS = [
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
WRONG_COOKIES = [
    "",
    "x",
    "..",
    "a.b.c",
    "\u00e9",
    "x" * 4_000,
    '"',
    # No signature: {"alg": "none"}, and somebody's claims.
    "eyJhbGciOiJub25lIn0."
    + base64.urlsafe_b64encode(
        json.dumps({"sub": AN_ID, "email": "a@example.com", "iat": 0, "exp": 9e12}).encode()
    ).decode()
    + ".",
]


def a_cursor(content: str) -> str:
    return base64.urlsafe_b64encode(content.encode()).decode()


WRONG_CURSORS = [
    "",
    "x",
    "\u00e9",
    "=" * 8,
    "x" * 300,
    a_cursor("[]"),
    a_cursor("{}"),
    a_cursor("1"),
    a_cursor("null"),
    a_cursor('["1"]'),
    a_cursor('["1", "x"]'),
    a_cursor('["1", {"$gt": ""}]'),
    a_cursor("[" * 90),
    a_cursor(f'[{"9" * 80}, "x"]'),
]
WRONG_PRICES_IN_A_CURSOR = ["", "x", "1e99999", "1e-99999", "sNaNx", "1" * 60, "{'$gt': ''}"]
WRONG_QUERIES = {
    "limit": ["", "0", "101", "-1", "x", "1.5", "NaN", "1e2", "9" * 5_000, "%00"],
    "sort": ["", "x", "$gt", "-title", "%00"],
    "seller": ["", "you", AN_ID, "%00"],
    "q": ["x" * 201],
    "cursor": WRONG_CURSORS,
    "token": ["x" * 129],
    "lastEventId": ["x" * 41],
}
ODD_QUERIES = {
    "q": ["", "%00", "%ff", ".*", "(((((", "\\", "$gt", "a" * 200, "\u202e", "%F0%9F%8E%B8"],
    "token": ["", "%00", "%ff", "$gt"],
    "lastEventId": ["", "%00", "%ff", "x", "-1", "9" * 40, "\u0661"],
    "nobody-knows-it": ["", "%00", "x" * 5_000],
    "limit[$gt]": ["1"],
}
