import asyncio
from datetime import timedelta
from typing import Any

import httpx
import jwt
import pytest
from services.auth.tests.conftest import Account, RequestResetToken

from auth import models, routes
from auth.models import PasswordResetToken
from auth.reset_requests import ResetRequest
from ticketing_common.events import UserChangedPassword, UserForgotPassword, utc_now
from ticketing_common.web.sessions import SessionUser
from ticketing_testing import RunningService, eventually

NEW_PASSWORD = "a new password"
NEW = {"newPassword": NEW_PASSWORD, "repeatedNewPassword": NEW_PASSWORD}
NOT_FOUND = (404, {"errors": [{"code": "not_found", "message": "Not found"}]})
EXPIRED = (401, {"errors": [{"code": "token_expired", "message": "Token has expired"}]})


async def post(client: httpx.AsyncClient, route: str, **request: Any) -> tuple[int, Any]:
    response = await client.post(f"/api/users/{route}", **request)
    return response.status_code, response.json()


async def sign_in(client: httpx.AsyncClient, email: str, password: str) -> bool:
    """Return whether the sign-in succeeds."""
    status, _ = await post(client, "signin", json={"email": email, "password": password})
    return status == 200


async def current_user(client: httpx.AsyncClient) -> Any:
    return (await client.get("/api/users/currentuser")).json()["currentUser"]


async def expire_tokens() -> None:
    async for token in PasswordResetToken.find_all():
        await token.set({"expires_at": utc_now() - timedelta(seconds=1)})


async def test_forgot_password_returns_same_response_for_known_and_unknown_email(
    auth: RunningService, account: Account, client: httpx.AsyncClient
) -> None:
    responses = [
        await post(client, "forgot-password", json={"email": email})
        for email in (account.email.upper(), "nobody@example.com")
    ]

    assert responses == [(200, {"message": "Reset email sent"})] * 2
    [event] = await auth.bus.published(UserForgotPassword)
    assert (event.id, event.version, event.token.type) == (account.id, 1, "reset-password")
    remaining = event.token.expires_at - utc_now()
    assert timedelta(minutes=14) < remaining <= timedelta(minutes=15)


@pytest.mark.parametrize("location", ["query", "body"])
async def test_reset_password_sets_new_password(
    account: Account,
    client: httpx.AsyncClient,
    request_reset_token: RequestResetToken,
    location: str,
) -> None:
    token = {"token": await request_reset_token(account)}
    query, body = (token, {}) if location == "query" else ({}, token)

    validated = await post(client, "validate-token", params=query, json=body)
    reset = await post(client, "reset-password", params=query, json={**NEW, **body})

    assert validated == (200, {"valid": True})
    assert reset == (200, {})
    assert not await sign_in(client, account.email, account.password)
    assert await sign_in(client, account.email, NEW_PASSWORD)


async def test_reset_password_invalidates_all_tokens_of_user(
    account: Account, client: httpx.AsyncClient, request_reset_token: RequestResetToken
) -> None:
    tokens = [await request_reset_token(account), await request_reset_token(account)]

    assert await post(client, "reset-password", json={**NEW, "token": tokens[0]}) == (200, {})

    for token in tokens:
        assert await post(client, "validate-token", json={"token": token}) == NOT_FOUND
        assert await post(client, "reset-password", json={**NEW, "token": token}) == NOT_FOUND


async def test_reset_password_accepts_one_of_many_concurrent_requests_with_one_token(
    auth: RunningService,
    account: Account,
    client: httpx.AsyncClient,
    request_reset_token: RequestResetToken,
) -> None:
    token = await request_reset_token(account)

    async def reset(number: int) -> int:
        password = f"new password {number}"
        body = {"token": token, "newPassword": password, "repeatedNewPassword": password}
        return (await post(client, "reset-password", json=body))[0]

    statuses = await asyncio.gather(*map(reset, range(6)))

    assert sorted(statuses) == [200] + [404] * 5
    assert len(await auth.bus.published(UserChangedPassword)) == 1


async def test_reset_password_refuses_a_password_of_the_email(
    account: Account, client: httpx.AsyncClient, request_reset_token: RequestResetToken
) -> None:
    token = await request_reset_token(account)
    password = account.email.upper()
    body = {"token": token, "newPassword": password, "repeatedNewPassword": password}

    status, response = await post(client, "reset-password", json=body)

    assert status == 400
    [error] = response["errors"]
    assert (error["code"], error["field"]) == ("password_from_email", "newPassword")
    assert await post(client, "reset-password", json={**NEW, "token": token}) == (200, {})


async def test_request_of_a_process_that_died_is_worked_off(
    auth: RunningService, account: Account
) -> None:
    now = utc_now()
    rows = ResetRequest.get_pymongo_collection()
    await rows.insert_one({"email": account.email, "requested_at": now, "due_at": now})
    auth.app.state.reset_requests._new.set()

    [event] = await auth.bus.published(UserForgotPassword)

    assert event.id == account.id
    assert await rows.count_documents({}) == 0


async def test_request_costs_the_same_for_known_and_unknown_email(
    auth: RunningService, account: Account, client: httpx.AsyncClient
) -> None:
    """The rest happens in the background, and leaves nothing behind."""
    await post(client, "forgot-password", json={"email": "nobody@example.com"})
    await post(client, "forgot-password", json={"email": account.email})

    assert len(await auth.bus.published(UserForgotPassword)) == 1
    await eventually(_has_no_request)


async def _has_no_request() -> bool:
    return await ResetRequest.get_pymongo_collection().count_documents({}) == 0


async def test_unknown_token_is_not_found(client: httpx.AsyncClient) -> None:
    assert await post(client, "validate-token", params={"token": "unknown"}) == NOT_FOUND
    assert await post(client, "reset-password", json={**NEW, "token": "unknown"}) == NOT_FOUND


async def test_expired_token_is_refused_with_its_own_code(
    account: Account, client: httpx.AsyncClient, request_reset_token: RequestResetToken
) -> None:
    token = await request_reset_token(account)
    await expire_tokens()

    assert await post(client, "validate-token", json={"token": token}) == EXPIRED
    assert await post(client, "reset-password", json={**NEW, "token": token}) == EXPIRED
    assert await sign_in(client, account.email, account.password)


@pytest.mark.parametrize(
    ("body", "field", "code"),
    [
        (NEW, "token", "missing"),
        ({**NEW, "token": ""}, "token", "string_too_short"),
        ({**NEW, "token": "x" * 129}, "token", "string_too_long"),
        ({**NEW, "token": {"$ne": None}}, "token", "string_type"),
        ({**NEW, "token": "unknown", "newPassword": "short"}, "newPassword", "too_short"),
        (
            {**NEW, "token": "unknown", "newPassword": "iloveyou1"},
            "newPassword",
            "common_password",
        ),
        ({**NEW, "token": "unknown", "newPassword": None}, "newPassword", "string_type"),
        (
            {**NEW, "token": "unknown", "repeatedNewPassword": "another"},
            "repeatedNewPassword",
            "passwords_do_not_match",
        ),
    ],
)
async def test_reset_password_validates_body_before_token(
    client: httpx.AsyncClient, body: Any, field: str, code: str
) -> None:
    status, response = await post(client, "reset-password", json=body)

    assert status == 400
    assert [(error["field"], error["code"]) for error in response["errors"]] == [(field, code)]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ({}, "missing"),
        ({"json": {}}, "missing"),
        ({"params": {"token": ""}}, "string_too_short"),
    ],
)
async def test_validate_token_requires_token(
    client: httpx.AsyncClient, content: dict[str, Any], code: str
) -> None:
    status, response = await post(client, "validate-token", **content)

    [error] = response["errors"]
    assert (status, error["field"], error["code"]) == (400, "token", code)


async def test_reset_password_ends_all_earlier_sessions_at_once(
    auth: RunningService,
    account: Account,
    client: httpx.AsyncClient,
    request_reset_token: RequestResetToken,
) -> None:
    other_client = await auth.client(SessionUser(id=account.id, email=account.email))
    body = {**NEW, "token": await request_reset_token(account)}

    await post(account.client, "reset-password", json=body)

    assert "session" not in account.client.cookies
    assert await current_user(other_client) is None
    assert await sign_in(client, account.email, NEW_PASSWORD)
    assert await current_user(client) is not None


async def test_reset_password_publishes_time_before_next_session(
    auth: RunningService,
    account: Account,
    client: httpx.AsyncClient,
    request_reset_token: RequestResetToken,
) -> None:
    body = {**NEW, "token": await request_reset_token(account)}
    before = utc_now()

    await post(client, "reset-password", json=body)
    await sign_in(client, account.email, NEW_PASSWORD)

    [event] = await auth.bus.published(UserChangedPassword)
    assert (event.id, event.version) == (account.id, 2)
    claims = jwt.decode(client.cookies["session"], options={"verify_signature": False})
    assert before.timestamp() <= event.changed_at.timestamp() <= claims["auth_time"]


async def test_sign_in_with_old_password_during_reset_gives_no_lasting_session(
    auth: RunningService, account: Account, request_reset_token: RequestResetToken
) -> None:
    token = await request_reset_token(account)
    clients = [await auth.client() for _ in range(6)]
    resetting_client = await auth.client()

    await asyncio.gather(
        *(sign_in(client, account.email, account.password) for client in clients),
        post(resetting_client, "reset-password", json={**NEW, "token": token}),
    )

    for client in clients:
        assert await current_user(client) is None


async def test_reset_password_ends_exactly_earlier_sessions_despite_clock_skew(
    account: Account,
    client: httpx.AsyncClient,
    request_reset_token: RequestResetToken,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    token = await request_reset_token(account)

    def set_clock_skew(skew: timedelta) -> None:
        for module in (models, routes):
            monkeypatch.setattr(module, "utc_now", lambda: utc_now() + skew)

    set_clock_skew(timedelta(seconds=3))
    assert await sign_in(account.client, account.email, account.password)
    earlier_session = account.client.cookies["session"]
    set_clock_skew(timedelta(0))
    assert await post(client, "reset-password", json={**NEW, "token": token}) == (200, {})
    set_clock_skew(timedelta(seconds=-3))
    assert await sign_in(client, account.email, NEW_PASSWORD)

    account.client.cookies.set("session", earlier_session)
    assert await current_user(account.client) is None
    assert await current_user(client) is not None
