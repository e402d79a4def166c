from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import jwt
import pytest
from services.auth.tests.conftest import Account, CreateAccount

from auth.app import create_app
from auth.models import User
from auth.settings import AuthSettings
from ticketing_common.events import UserSessionEnded, utc_now
from ticketing_common.sessions.keys import SigningKey, public_key_set
from ticketing_common.sessions.tokens import (
    RENEWAL_AGE,
    SESSION_AGE,
    TOKEN_AGE,
    Session,
    SessionUser,
    TokenSigner,
)
from ticketing_testing import RunningService, TestEnvironment, new_id, new_user, session_token
from ticketing_testing.factories import SESSION_KEY

EXPIRY_ATTRIBUTES = {"Max-Age", "expires"}
CREDENTIALS = {"email": "ann@example.com", "password": "long enough"}
HOUR = timedelta(hours=1)


async def current_user(client: httpx.AsyncClient) -> Any:
    response = await client.get("/api/users/currentuser")
    assert response.status_code == 200
    return response.json()["currentUser"]


async def user_of(auth: RunningService, cookie: str) -> Any:
    """Return the user of a session cookie."""
    client = await auth.client()
    client.cookies.set("session", cookie)
    return await current_user(client)


async def copy_of(client: httpx.AsyncClient, auth: RunningService) -> httpx.AsyncClient:
    """Return a client with the session of another one: somebody has copied the cookie."""
    thief = await auth.client()
    thief.cookies.set("session", client.cookies["session"])
    return thief


def claims_of(client: httpx.AsyncClient) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(
        client.cookies["session"], options={"verify_signature": False}
    )
    return claims


def older(account: Account, *, session_age: timedelta, token_age: timedelta) -> tuple[Session, str]:
    """Return a session of the account, and its token, of these ages."""
    now = datetime.now(UTC)
    began_at, issued_at = now - session_age, now - token_age
    user = SessionUser(id=account.id, email="old@example.com")
    session = Session(user, new_id(), began_at, issued_at, issued_at + TOKEN_AGE)
    return session, TokenSigner(SESSION_KEY).sign(session)


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
        name = "__Host-session=" if secure else "session="
        cookies = response.headers.get_list("set-cookie")
        [cookie] = [each for each in cookies if each.startswith(name)]
        _, *attributes = cookie.split("; ")
        others = {each for each in attributes if each.partition("=")[0] not in EXPIRY_ATTRIBUTES}
        assert others == expected


async def test_cookie_contains_the_session_only(client: httpx.AsyncClient) -> None:
    before = utc_now()
    user = (await client.post("/api/users/signup", json=CREDENTIALS)).json()
    after = utc_now()

    claims = claims_of(client)

    assert set(claims) == {"iss", "aud", "sub", "email", "role", "sid", "auth_time", "iat", "exp"}
    assert (claims["sub"], claims["email"], claims["role"]) == (user["id"], user["email"], "user")
    assert before.timestamp() <= claims["auth_time"] <= after.timestamp()


async def test_junk_cookie_counts_as_none(auth: RunningService) -> None:
    other_key = TokenSigner(SigningKey.generate())
    session = Session.issue(new_user(), new_id(), datetime.now(UTC))

    assert await user_of(auth, session_token(new_user())) is not None
    for junk in ("nonsense", other_key.sign(session), session_token(new_user())[:-6] + "AAAAAA"):
        assert await user_of(auth, junk) is None


async def test_each_sign_in_starts_a_session_of_its_own(
    account: Account, client: httpx.AsyncClient
) -> None:
    credentials = {"email": account.email, "password": account.password}

    sessions = set()
    for _ in range(3):
        await client.post("/api/users/signin", json=credentials)
        sessions.add(claims_of(client)["sid"])

    assert len(sessions) == 3


async def test_sign_out_ends_this_session_of_the_user(
    auth: RunningService, account: Account, client: httpx.AsyncClient
) -> None:
    await client.post(
        "/api/users/signin", json={"email": account.email, "password": account.password}
    )
    claims, thief = claims_of(account.client), await copy_of(account.client, auth)

    assert (await account.client.post("/api/users/signout")).json() == {}

    assert "session" not in account.client.cookies
    assert await current_user(thief) is None
    assert await current_user(client) is not None
    [event] = await auth.bus.published(UserSessionEnded)
    assert (event.id, event.sid, event.version) == (account.id, claims["sid"], 2)
    assert event.ended_at.timestamp() > claims["auth_time"]


async def test_sign_out_again_publishes_nothing(auth: RunningService, account: Account) -> None:
    thief = await copy_of(account.client, auth)
    await account.client.post("/api/users/signout")

    for client in (account.client, thief, await auth.client()):
        response = await client.post("/api/users/signout")
        assert (response.status_code, response.json()) == (200, {})
        assert "Max-Age=0" in response.headers["Set-Cookie"]

    assert len(await auth.bus.published(UserSessionEnded)) == 1


async def test_sign_out_everywhere_ends_all_sessions_of_the_user(
    auth: RunningService, account: Account, create_account: CreateAccount, client: httpx.AsyncClient
) -> None:
    other, credentials = (
        await create_account(),
        {"email": account.email, "password": account.password},
    )
    await client.post("/api/users/signin", json=credentials)
    thief = await copy_of(account.client, auth)

    response = await account.client.post("/api/users/signout-everywhere")

    assert (response.status_code, response.json()) == (200, {})
    assert "session" not in account.client.cookies
    assert [await current_user(each) for each in (client, thief)] == [None, None]
    assert await current_user(other.client) is not None
    [event] = await auth.bus.published(UserSessionEnded)
    assert (event.id, event.sid) == (account.id, None)
    await client.post("/api/users/signin", json=credentials)
    assert await current_user(client) is not None


async def test_sign_out_everywhere_needs_a_session(
    auth: RunningService, client: httpx.AsyncClient
) -> None:
    response = await client.post("/api/users/signout-everywhere")

    assert response.status_code == 401
    assert response.json()["errors"][0]["code"] == "not_signed_in"
    assert await auth.bus.published(UserSessionEnded, 0) == []


async def test_current_user_renews_a_token_that_is_older_than_an_hour(
    auth: RunningService, account: Account, client: httpx.AsyncClient
) -> None:
    session, token = older(account, session_age=5 * HOUR, token_age=RENEWAL_AGE + HOUR)
    client.cookies.set("session", token)

    response = await client.get("/api/users/currentuser")

    assert response.json()["currentUser"] == {"id": account.id, "email": account.email}
    assert response.headers["Cache-Control"] == "no-store"
    renewed = jwt.decode(response.cookies["session"], options={"verify_signature": False})
    assert renewed["sid"] == session.id
    assert renewed["auth_time"] == session.began_at.timestamp()
    assert renewed["email"] == account.email  # of today
    assert renewed["exp"] - renewed["iat"] == TOKEN_AGE.total_seconds()
    client.cookies.clear()
    client.cookies.set("session", response.cookies["session"])
    again = await client.get("/api/users/currentuser")
    assert "Set-Cookie" not in again.headers


@pytest.mark.parametrize(
    ("session_age", "token_age"),
    [(HOUR, RENEWAL_AGE - HOUR / 2), (SESSION_AGE + HOUR, 3 * HOUR)],
)
async def test_current_user_renews_no_other_token(
    account: Account,
    client: httpx.AsyncClient,
    session_age: timedelta,
    token_age: timedelta,
) -> None:
    _, token = older(account, session_age=session_age, token_age=token_age)
    client.cookies.set("session", token)

    response = await client.get("/api/users/currentuser")

    assert response.json()["currentUser"] is not None
    assert "Set-Cookie" not in response.headers


async def test_current_user_renews_no_ended_session(
    account: Account, client: httpx.AsyncClient
) -> None:
    _, token = older(account, session_age=5 * HOUR, token_age=2 * HOUR)
    await account.client.post("/api/users/signout-everywhere")
    client.cookies.set("session", token)

    response = await client.get("/api/users/currentuser")

    assert response.json() == {"currentUser": None}
    assert "Set-Cookie" not in response.headers


async def test_current_user_renews_no_session_of_a_user_who_is_gone(
    account: Account, client: httpx.AsyncClient
) -> None:
    _, token = older(account, session_age=5 * HOUR, token_age=2 * HOUR)
    user = await User.get(account.id)
    assert user is not None
    await user.delete()
    client.cookies.set("session", token)

    response = await client.get("/api/users/currentuser")

    assert response.json() == {"currentUser": None}
    assert "Set-Cookie" not in response.headers


async def test_keys_are_rotated_without_a_sign_out(environment: TestEnvironment) -> None:
    """The steps of docs/operations.md."""
    old, new = SigningKey.generate(), SigningKey.generate()

    @asynccontextmanager
    async def auth_with(private: SigningKey, *public: SigningKey) -> AsyncIterator[RunningService]:
        keys = {
            "jwt_private_key": private.to_json(),
            "jwt_public_keys": public_key_set(*public),
        }
        settings = AuthSettings(**environment.settings() | keys, cookie_secure=False)
        async with environment.serve(create_app(settings)) as service:
            yield service

    async with auth_with(old, old) as auth:
        client = await auth.client()
        await client.post("/api/users/signup", json=CREDENTIALS)
        signed_by_old = client.cookies["session"]
    async with auth_with(old, old, new) as auth:  # the new public key, everywhere
        assert await user_of(auth, signed_by_old) is not None
    async with auth_with(new, old, new) as auth:  # the new private key, in auth
        assert await user_of(auth, signed_by_old) is not None
        client = await auth.client()
        await client.post("/api/users/signin", json=CREDENTIALS)
        signed_by_new = client.cookies["session"]
    async with auth_with(new, new) as auth:  # after a day: without the old public key
        assert await user_of(auth, signed_by_new) is not None
        assert await user_of(auth, signed_by_old) is None


def test_private_key_must_have_its_public_key_in_the_set(environment: TestEnvironment) -> None:
    other = {"jwt_public_keys": public_key_set(SigningKey.generate())}

    with pytest.raises(ValueError, match="should have its public key in JWT_PUBLIC_KEYS"):
        AuthSettings(**environment.settings() | other)
