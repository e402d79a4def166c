"""The cookie: what it may do, and which ones count."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import jwt
import pytest

from auth.app import create_app
from auth.settings import AuthSettings
from ticketing_common.events import utc_now
from ticketing_common.web.sessions import Sessions, SessionUser
from ticketing_testing import RunningService, TestEnvironment, new_user

PREVIOUS_KEY = "the key that signed until yesterday, also long"
LIFETIME = {"Max-Age", "expires"}
ANN = {"email": "ann@example.com", "password": "long enough"}


async def who(auth: RunningService, cookie: str) -> Any:
    """Whom auth takes the bearer of a cookie for."""
    browser = await auth.client()
    browser.cookies.set("session", cookie)
    answer = await browser.get("/api/users/currentuser")
    assert answer.status_code == 200
    return answer.json()["currentUser"]


@pytest.mark.parametrize("secure", [True, False])
async def test_the_cookie_is_for_this_site_alone_and_out_of_scripts_reach(
    environment: TestEnvironment, secure: bool
) -> None:
    settings = (
        environment.settings() if secure else {**environment.settings(), "cookie_secure": False}
    )
    async with environment.serve(create_app(AuthSettings(**settings))) as auth:
        browser = await auth.client()
        begun = await browser.post("/api/users/signup", json=ANN)
        ended = await browser.post("/api/users/signout")

    wanted = {"HttpOnly", "SameSite=lax", "Path=/"} | ({"Secure"} if secure else set())
    for answer in (begun, ended):
        (cookie,) = answer.headers.get_list("set-cookie")
        value, *attributes = cookie.split("; ")
        assert value.startswith("session=")
        assert {one for one in attributes if one.partition("=")[0] not in LIFETIME} == wanted


async def test_the_cookie_holds_who_it_is_and_since_when_and_no_more(
    stranger: httpx.AsyncClient,
) -> None:
    before = utc_now()
    user = (await stranger.post("/api/users/signup", json=ANN)).json()
    after = utc_now()

    claims = jwt.decode(stranger.cookies["session"], options={"verify_signature": False})

    assert set(claims) == {"sub", "email", "iat", "exp"}
    assert (claims["sub"], claims["email"]) == (user["id"], user["email"])
    assert before.timestamp() <= claims["iat"] <= after.timestamp()


def signed(key: str, algorithm: str = "HS256", **changes: Any) -> str:
    now = datetime.now(UTC)
    user = new_user()
    claims = {"sub": user.id, "email": user.email, "iat": now, "exp": now + timedelta(hours=1)}
    claims = {name: value for name, value in (claims | changes).items() if value is not None}
    return jwt.encode(claims, "" if algorithm == "none" else key, algorithm)


YESTERDAY = datetime.now(UTC) - timedelta(days=1)

FORGED: dict[str, Callable[[str], str]] = {
    "nonsense": lambda _: "nonsense",
    "tampered": lambda key: signed(key)[:-4] + "AAAA",
    "of another key": lambda key: signed(key[::-1]),
    "unsigned": lambda key: signed(key, "none"),
    "expired": lambda key: signed(key, exp=YESTERDAY),
    "from the future": lambda key: signed(key, iat=datetime.now(UTC) + timedelta(hours=1)),
    "of nobody": lambda key: signed(key, sub="nobody"),
    "without a subject": lambda key: signed(key, sub=None),
    "without an end": lambda key: signed(key, exp=None),
    "without a beginning": lambda key: signed(key, iat=None),
    "of another algorithm": lambda key: signed(key * 2, "HS512"),
}


@pytest.mark.parametrize("forge", FORGED.values(), ids=FORGED.keys())
async def test_a_cookie_that_does_not_verify_counts_as_none(
    environment: TestEnvironment, auth: RunningService, forge: Callable[[str], str]
) -> None:
    key = environment.settings()["jwt_key"]
    assert await who(auth, signed(key)) is not None
    assert await who(auth, forge(key)) is None


async def test_the_previous_key_still_verifies_and_the_new_one_signs(
    environment: TestEnvironment,
) -> None:
    user: SessionUser = new_user()
    settings = AuthSettings(
        **environment.settings(), jwt_key_previous=PREVIOUS_KEY, cookie_secure=False
    )
    async with environment.serve(create_app(settings)) as auth:
        assert await who(auth, Sessions([PREVIOUS_KEY]).issue(user)) == user.model_dump()
        browser = await auth.client()
        await browser.post("/api/users/signup", json=ANN)

    cookie = browser.cookies["session"]
    assert Sessions([environment.settings()["jwt_key"]]).verify(cookie) is not None
    assert Sessions([PREVIOUS_KEY]).verify(cookie) is None
