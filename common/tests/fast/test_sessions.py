from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest

from ticketing_common.web.sessions import Sessions
from ticketing_testing import new_user

KEY, OLD_KEY = "k" * 32, "o" * 32


def claims(**changes: Any) -> dict[str, Any]:
    now = datetime.now(UTC)
    user = new_user()
    good = {
        "sub": user.id,
        "email": user.email,
        "iat": now.timestamp(),
        "exp": (now + timedelta(hours=1)).timestamp(),
    }
    return {name: value for name, value in (good | changes).items() if value is not None}


def test_verify_returns_user_and_begin() -> None:
    user = new_user()
    before = datetime.now(UTC)

    verified = Sessions([KEY]).verify(Sessions([KEY]).issue(user))

    assert verified is not None
    assert verified[0] == user
    assert before - timedelta(seconds=1) < verified[1] <= datetime.now(UTC)


def test_verify_accepts_the_previous_key() -> None:
    token = Sessions([OLD_KEY]).issue(new_user())

    assert Sessions([KEY, OLD_KEY]).verify(token) is not None
    assert Sessions([KEY]).verify(token) is None


def test_issue_signs_with_the_first_key() -> None:
    assert Sessions([KEY]).verify(Sessions([KEY, OLD_KEY]).issue(new_user())) is not None


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": 1},
        {"exp": None},
        {"iat": None},
        {"sub": None},
        {"email": None},
        {"sub": "not an id"},
        {"iat": "yesterday"},
        {"iat": 1e300},
        {"iat": -1e300},
        {"iat": (datetime.now(UTC) + timedelta(days=2)).timestamp()},
    ],
)
def test_verify_refuses_invalid_claims(changes: dict[str, Any]) -> None:
    assert Sessions([KEY]).verify(jwt.encode(claims(**changes), KEY, "HS256")) is None


def test_verify_refuses_other_algorithms() -> None:
    for algorithm, key in [("none", None), ("HS512", "k" * 64)]:
        token = jwt.encode(claims(), key, algorithm)  # type: ignore[arg-type]
        assert Sessions([KEY]).verify(token) is None


@pytest.mark.parametrize("token", ["x", "a.b.c", "\x00", "é", "." * 5000])
def test_verify_refuses_malformed_tokens(token: str) -> None:
    assert Sessions([KEY]).verify(token) is None
