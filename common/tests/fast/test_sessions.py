import asyncio
import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import Mock

import jwt
import pytest
from starlette.requests import Request

from ticketing_common.observability import metrics
from ticketing_common.sessions import tokens
from ticketing_common.sessions.keys import SigningKey, parse_public_keys, public_key_set
from ticketing_common.sessions.tokens import (
    ALGORITHM,
    LEEWAY,
    SESSION_AGE,
    TOKEN_AGE,
    Session,
    TokenSigner,
    TokenVerifier,
)
from ticketing_common.web.sessions import MAX_COOKIES, Sessions
from ticketing_testing import new_id, new_session, new_user

KEY, OTHER_KEY = SigningKey.generate(), SigningKey.generate()
NOW = datetime.now(UTC)


def verifier(*keys: SigningKey, **options: Any) -> TokenVerifier:
    return TokenVerifier(parse_public_keys(public_key_set(*keys or (KEY,))), **options)


def token(session: Session | None = None, key: SigningKey = KEY) -> str:
    return TokenSigner(key).sign(session or new_session(new_user()))


def forged(key: SigningKey = KEY, headers: dict[str, Any] | None = None, **changes: Any) -> str:
    """Return a token with changed claims. A claim of None is left out."""
    claims = jwt.decode(token(), options={"verify_signature": False}) | changes
    claims = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(claims, key.private, ALGORITHM, headers or {"kid": key.kid})


def raw(payload: bytes) -> str:
    """Return a signed token with this payload."""
    return jwt.PyJWS().encode(payload, KEY.private, ALGORITHM, {"kid": KEY.kid})


def unsigned(header: object) -> str:
    text = header if isinstance(header, str) else json.dumps(header)
    return f"{base64.urlsafe_b64encode(text.encode()).decode().rstrip('=')}.e30.AAAA"


def test_verify_returns_the_session() -> None:
    session = new_session(new_user(), age=timedelta(days=3))

    assert verifier().verify(token(session)) == session


def test_token_has_the_claims_of_the_contract() -> None:
    user = new_user()

    claims = jwt.decode(token(new_session(user)), options={"verify_signature": False})

    assert set(claims) == {"iss", "aud", "sub", "email", "role", "sid", "auth_time", "iat", "exp"}
    assert (claims["sub"], claims["email"], claims["role"]) == (user.id, user.email, "user")
    assert claims["exp"] - claims["iat"] == 24 * 3600


@pytest.mark.parametrize(
    ("age", "lifetime"),
    [
        (timedelta(0), TOKEN_AGE),
        (SESSION_AGE - timedelta(days=2), TOKEN_AGE),
        (SESSION_AGE - timedelta(hours=2), timedelta(hours=2)),
    ],
)
def test_token_ends_30_days_after_the_sign_in(age: timedelta, lifetime: timedelta) -> None:
    session = new_session(new_user(), age=age)

    remaining = session.expires_at - session.issued_at
    assert lifetime - timedelta(seconds=1) < remaining <= lifetime


@pytest.mark.parametrize(
    ("issued", "began", "is_due"),
    [
        (timedelta(minutes=59), timedelta(days=1), False),
        (timedelta(minutes=61), timedelta(days=1), True),
        (timedelta(hours=23), timedelta(days=29), True),
        (timedelta(hours=2), timedelta(days=31), False),
    ],
)
def test_token_is_due_for_renewal_after_an_hour(
    issued: timedelta, began: timedelta, is_due: bool
) -> None:
    now = datetime.now(UTC)
    session = Session(new_user(), new_id(), now - began, now - issued, now + TOKEN_AGE)

    assert session.is_due_for_renewal is is_due


JUNK_TIMES: list[Any] = ["yesterday", "1700000000", True, [], {}, -1, 1e300, float("inf")]
INVALID_CLAIMS: list[dict[str, Any]] = [
    *({name: None} for name in ("iss", "aud", "sub", "email", "role", "sid", "auth_time")),
    {"iat": None},
    {"exp": None},
    {"iss": "another"},
    {"aud": "another"},
    {"aud": ["ticketing"]},
    {"sub": "not an id"},
    {"sub": 1},
    {"sid": "not an id"},
    {"sid": ["0" * 24]},
    {"email": 1},
    {"role": "root"},
    {"role": ["admin"]},
    *({name: value} for name in ("iat", "exp", "auth_time") for value in JUNK_TIMES),
    {"exp": float("nan")},
    {"exp": (NOW - LEEWAY - timedelta(seconds=2)).timestamp()},
    {"iat": (NOW + timedelta(minutes=5)).timestamp()},
]


@pytest.mark.parametrize(
    "changes", INVALID_CLAIMS, ids=[f"{n}-{min(c)}" for n, c in enumerate(INVALID_CLAIMS)]
)
def test_verify_refuses_invalid_claims(changes: dict[str, Any]) -> None:
    assert verifier().verify(forged()) is not None
    assert verifier().verify(forged(**changes)) is None


@pytest.mark.parametrize(
    "invalid",
    MALFORMED := [
        "",
        "x",
        "a.b.c",
        "\x00",
        "é",
        "\ud800",
        "." * 5000,
        unsigned({"alg": ALGORITHM, "kid": KEY.kid}),
        unsigned({"alg": ALGORITHM, "kid": ["x"]}),
        unsigned({"alg": ALGORITHM, "kid": None}),
        unsigned({"alg": ALGORITHM}),
        unsigned({"alg": ["EdDSA"], "kid": KEY.kid}),
        unsigned({"kid": KEY.kid}),
        unsigned([]),
        unsigned("[" * 60_000),
        raw(b"[]"),
        raw(b"{"),
        raw(b"\xff"),
        raw(b"[" * 60_000),
        raw(b'{"iat":1' + b"0" * 5000 + b"}"),
    ],
    ids=range(len(MALFORMED)),
)
def test_verify_refuses_malformed_tokens(invalid: str) -> None:
    assert verifier().verify(invalid) is None


def test_verify_refuses_other_algorithms_and_keys() -> None:
    claims = jwt.decode(token(), options={"verify_signature": False})
    public = KEY.private.public_key().public_bytes_raw()
    headers = {"kid": KEY.kid}

    for forgery in (
        jwt.encode(claims, "", "none", headers),
        jwt.encode(claims, public + public, "HS256", headers),
        forged(OTHER_KEY),
        forged(OTHER_KEY, headers),
        forged(headers={"kid": OTHER_KEY.kid}),
        token()[:-6] + "AAAAAA",
    ):
        assert verifier(KEY).verify(forgery) is None


def test_keys_are_rotated_without_ending_sessions() -> None:
    old, new = token(key=KEY), token(key=OTHER_KEY)

    before, both, after = verifier(KEY), verifier(KEY, OTHER_KEY), verifier(OTHER_KEY)

    assert [bool(each.verify(old)) for each in (before, both, after)] == [True, True, False]
    assert [bool(each.verify(new)) for each in (before, both, after)] == [False, True, True]


def test_verified_token_is_not_verified_again_until_it_expires(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    session, remembering = new_session(new_user()), verifier()
    text = token(session)
    assert remembering.verify(text) == session
    monkeypatch.setattr(jwt, "PyJWS", None)

    assert remembering.verify(text) == session

    monkeypatch.undo()
    clock = Mock(wraps=datetime)
    clock.now.return_value = session.expires_at + LEEWAY + timedelta(seconds=1)
    monkeypatch.setattr(tokens, "datetime", clock)
    assert remembering.verify(text) is None


def test_verified_tokens_are_bounded() -> None:
    bounded = verifier(max_verified=3)
    bounded.verify("junk")

    for _ in range(5):
        assert bounded.verify(token()) is not None

    assert len(bounded._verified) == 3


@pytest.mark.parametrize(
    ("skew", "outcome"),
    [(0, None), (6, "accepted"), (25, "accepted"), (40, "refused"), (-40, None)],
)
def test_clock_skew_has_a_leeway_and_a_metric(skew: int, outcome: str | None) -> None:
    def count() -> dict[str, float]:
        return {
            each: metrics.TOKENS_FROM_FUTURE.labels(each)._value.get()
            for each in ("accepted", "refused")
        }

    before = count()
    issued_at = datetime.now(UTC) + timedelta(seconds=skew)
    session = Session(new_user(), new_id(), issued_at, issued_at, issued_at + TOKEN_AGE)

    verified = verifier().verify(token(session))

    assert (verified is None) == (outcome == "refused")
    assert count() == before | ({outcome: before[outcome] + 1} if outcome else {})


def test_expiry_has_the_leeway() -> None:
    now = datetime.now(UTC)
    session = Session(new_user(), new_id(), now, now, now - LEEWAY + timedelta(seconds=5))

    assert verifier().verify(token(session)) is not None


class Ended:
    """Ended sessions, by their ids."""

    def __init__(self, *sessions: Session) -> None:
        self._ids = {session.id for session in sessions}

    async def has_ended(self, session: Session) -> bool:
        return session.id in self._ids


def found(*cookies: str, ended: tuple[Session, ...] = (), secure: bool = True) -> Session | None:
    """Return the session of a request with these `Cookie` headers."""
    headers = [(b"cookie", cookie.encode()) for cookie in cookies]
    sessions = Sessions(verifier(), Ended(*ended), secure=secure)
    return asyncio.run(sessions.of(Request({"type": "http", "headers": headers})))


ANN, BOB = new_session(new_user()), new_session(new_user())
A, B = (f"__Host-session={token(session)}" for session in (ANN, BOB))


@pytest.mark.parametrize("junk", ["", "x", "a.b.c", "é", token(key=OTHER_KEY)], ids=range(5))
def test_junk_cookies_beside_a_valid_one_are_ignored(junk: str) -> None:
    name = "__Host-session"

    assert found(f"{A}; {name}={junk}") == ANN
    assert found(f"{name}={junk}; theme=dark;{A}") == ANN
    assert found(f"{name}={junk}", A) == ANN
    assert found(f"{name}; {name}=; ={junk}; {A}") == ANN
    assert found(f"{name}={junk}") is None


def test_valid_cookies_of_different_users_count_as_none() -> None:
    assert found(f"{A}; {B}") is None
    assert found(f"{A}; {B}", ended=(BOB,)) == ANN
    assert found(f"{A}; {A}") == ANN


def test_latest_token_of_several_of_one_user_counts() -> None:
    later = Session.issue(ANN.user, new_id(), ANN.began_at)
    cookies = [A, f"__Host-session={token(later)}"]

    assert found("; ".join(cookies)) == found("; ".join(reversed(cookies))) == later
    assert found("; ".join(cookies), ended=(later,)) == ANN


def test_cookie_has_one_name() -> None:
    plain = f"session={token(ANN)}"

    assert found(A) == found(plain, secure=False) == ANN
    for other in (plain, f"X__Host-session={token(ANN)}", f"__host-session={token(ANN)}"):
        assert found(other) is None
    assert found(A, secure=False) is None


def test_number_of_verified_cookies_is_bounded() -> None:
    junk = "; ".join("__Host-session=x" for _ in range(MAX_COOKIES))

    assert found(f"{A}; {junk}") == ANN
    assert found(f"{junk}; {A}") is None
