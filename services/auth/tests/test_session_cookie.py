from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import jwt
import pytest

from auth.app import create_app
from auth.settings import AuthSettings
from ticketing_common.events import utc_now
from ticketing_common.web.sessions import Sessions
from ticketing_testing import RunningService, TestEnvironment, new_user

PREVIOUS_KEY = "the key that signed until yesterday, also long"
EXPIRY_ATTRIBUTES = {"Max-Age", "expires"}
CREDENTIALS = {"email": "ann@example.com", "password": "long enough"}


async def current_user(auth: RunningService, cookie: str) -> Any:
    """Return the user of a session cookie."""
    client = await auth.client()
    client.cookies.set("session", cookie)
    response = await client.get("/api/users/currentuser")
    assert response.status_code == 200
    return response.json()["currentUser"]


def sign(key: str, algorithm: str = "HS256", **changes: Any) -> str:
    """Return a token with changed claims. A claim of None is left out."""
    now = datetime.now(UTC)
    user = new_user()
    claims = {"sub": user.id, "email": user.email, "iat": now, "exp": now + timedelta(hours=1)}
    claims = {name: value for name, value in (claims | changes).items() if value is not None}
    return jwt.encode(claims, "" if algorithm == "none" else key, algorithm)


YESTERDAY = datetime.now(UTC) - timedelta(days=1)

INVALID_COOKIES: dict[str, Callable[[str], str]] = {
    "no token": lambda _: "nonsense",
    "changed signature": lambda key: sign(key)[:-4] + "AAAA",
    "other key": lambda key: sign(key[::-1]),
    "unsigned": lambda key: sign(key, "none"),
    "expired": lambda key: sign(key, exp=YESTERDAY),
    "issued in the future": lambda key: sign(key, iat=datetime.now(UTC) + timedelta(hours=1)),
    "invalid subject": lambda key: sign(key, sub="nobody"),
    "no subject": lambda key: sign(key, sub=None),
    "no expiry": lambda key: sign(key, exp=None),
    "no issue time": lambda key: sign(key, iat=None),
    "other algorithm": lambda key: sign(key * 2, "HS512"),
}


@pytest.mark.parametrize("secure", [True, False])
async def test_cookie_is_same_site_and_hidden_from_scripts(
    environment: TestEnvironment, secure: bool
) -> None:
    settings = environment.settings() | ({} if secure else {"cookie_secure": False})
    async with environment.serve(create_app(AuthSettings(**settings))) as auth:
        client = await auth.client()
        signed_up = await client.post("/api/users/signup", json=CREDENTIALS)
        signed_out = await client.post("/api/users/signout")

    expected = {"HttpOnly", "SameSite=lax", "Path=/"} | ({"Secure"} if secure else set())
    for response in (signed_up, signed_out):
        [cookie] = response.headers.get_list("set-cookie")
        value, *attributes = cookie.split("; ")
        assert value.startswith("session=")
        others = {each for each in attributes if each.partition("=")[0] not in EXPIRY_ATTRIBUTES}
        assert others == expected


async def test_cookie_contains_user_and_times_only(client: httpx.AsyncClient) -> None:
    before = utc_now()
    user = (await client.post("/api/users/signup", json=CREDENTIALS)).json()
    after = utc_now()

    claims = jwt.decode(client.cookies["session"], options={"verify_signature": False})

    assert set(claims) == {"sub", "email", "iat", "exp"}
    assert (claims["sub"], claims["email"]) == (user["id"], user["email"])
    assert before.timestamp() <= claims["iat"] <= after.timestamp()


@pytest.mark.parametrize("forge", INVALID_COOKIES.values(), ids=INVALID_COOKIES.keys())
async def test_invalid_cookie_counts_as_none(
    environment: TestEnvironment, auth: RunningService, forge: Callable[[str], str]
) -> None:
    key = environment.settings()["jwt_key"]

    assert await current_user(auth, sign(key)) is not None
    assert await current_user(auth, forge(key)) is None


async def test_previous_key_verifies_and_current_key_signs(environment: TestEnvironment) -> None:
    user = new_user()
    settings = AuthSettings(
        **environment.settings(), jwt_key_previous=PREVIOUS_KEY, cookie_secure=False
    )
    async with environment.serve(create_app(settings)) as auth:
        assert await current_user(auth, Sessions([PREVIOUS_KEY]).issue(user)) == user.model_dump()
        client = await auth.client()
        await client.post("/api/users/signup", json=CREDENTIALS)

    cookie = client.cookies["session"]
    assert Sessions([environment.settings()["jwt_key"]]).verify(cookie) is not None
    assert Sessions([PREVIOUS_KEY]).verify(cookie) is None
