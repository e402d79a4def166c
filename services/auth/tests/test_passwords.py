"""Forgotten passwords: a mail with a token, and a new password for its bearer."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest

from auth import models, routes
from auth.models import PasswordResetToken
from ticketing_common.events import UserChangedPassword, UserForgotPassword, utc_now
from ticketing_common.web.sessions import Sessions, SessionUser
from ticketing_testing import RunningService

Ask = Callable[[Any], Awaitable[str]]
"""For a member's token."""

NEW = {"newPassword": "a new password", "repeatedNewPassword": "a new password"}
NOT_FOUND = (404, {"errors": [{"message": "Not found"}]})
EXPIRED = (401, {"errors": [{"message": "Token has expired"}]})


async def post(browser: httpx.AsyncClient, route: str, **request: Any) -> tuple[int, Any]:
    answer = await browser.post(f"/api/users/{route}", **request)
    return answer.status_code, answer.json()


async def signs_in(browser: httpx.AsyncClient, email: str, password: str) -> bool:
    status, _ = await post(browser, "signin", json={"email": email, "password": password})
    return status == 200


async def let_tokens_expire() -> None:
    await PasswordResetToken.find_all().update(
        {"$set": {"expires_at": utc_now() - timedelta(seconds=1)}}
    )


async def test_asking_is_answered_alike_for_known_and_unknown_emails(
    auth: RunningService, member: Any, stranger: httpx.AsyncClient
) -> None:
    answers = [
        await post(stranger, "forgot-password", json={"email": email})
        for email in (member.email.upper(), "nobody@example.com")
    ]

    assert answers == [(200, {"message": "Reset email sent"})] * 2
    (event,) = await auth.bus.published(UserForgotPassword)
    assert (event.id, event.version, event.token.type) == (member.id, 1, "reset-password")
    left = event.token.expires_at - utc_now()
    assert timedelta(minutes=14) < left <= timedelta(minutes=15)


@pytest.mark.parametrize("where", ["query", "body"])
async def test_the_token_lets_its_bearer_choose_a_new_password(
    member: Any, stranger: httpx.AsyncClient, reset_token: Ask, where: str
) -> None:
    token = {"token": await reset_token(member)}
    query, body = (token, {}) if where == "query" else ({}, token)

    assert await post(stranger, "validate-token", params=query, json=body) == (200, {"valid": True})
    assert await post(stranger, "reset-password", params=query, json={**NEW, **body}) == (200, {})

    assert not await signs_in(stranger, member.email, member.password)
    assert await signs_in(stranger, member.email, "a new password")


async def test_a_token_works_once_and_takes_the_others_with_it(
    member: Any, stranger: httpx.AsyncClient, reset_token: Ask
) -> None:
    tokens = [await reset_token(member), await reset_token(member)]
    assert await post(stranger, "reset-password", json={**NEW, "token": tokens[0]}) == (200, {})

    for token in tokens:
        assert await post(stranger, "validate-token", json={"token": token}) == NOT_FOUND
        assert await post(stranger, "reset-password", json={**NEW, "token": token}) == NOT_FOUND


async def test_of_many_resets_with_one_token_at_once_one_succeeds(
    auth: RunningService, member: Any, stranger: httpx.AsyncClient, reset_token: Ask
) -> None:
    token = await reset_token(member)

    async def reset(number: int) -> int:
        password = f"new password {number}"
        body = {"token": token, "newPassword": password, "repeatedNewPassword": password}
        return (await post(stranger, "reset-password", json=body))[0]

    assert sorted(await asyncio.gather(*map(reset, range(6)))) == [200] + [404] * 5
    assert len(await auth.bus.published(UserChangedPassword)) == 1


async def test_an_unknown_token_is_a_404(stranger: httpx.AsyncClient) -> None:
    assert await post(stranger, "validate-token", params={"token": "unknown"}) == NOT_FOUND
    assert await post(stranger, "reset-password", json={**NEW, "token": "unknown"}) == NOT_FOUND


async def test_a_token_past_its_time_is_a_401_that_says_so(
    member: Any, stranger: httpx.AsyncClient, reset_token: Ask
) -> None:
    token = await reset_token(member)
    await let_tokens_expire()

    assert await post(stranger, "validate-token", json={"token": token}) == EXPIRED
    assert await post(stranger, "reset-password", json={**NEW, "token": token}) == EXPIRED
    assert await signs_in(stranger, member.email, member.password)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (NEW, "token"),
        ({**NEW, "token": ""}, "token"),
        ({**NEW, "token": "x" * 129}, "token"),
        ({**NEW, "token": {"$ne": None}}, "token"),
        ({**NEW, "token": "unknown", "newPassword": "short"}, "newPassword"),
        ({**NEW, "token": "unknown", "newPassword": None}, "newPassword"),
        ({**NEW, "token": "unknown", "repeatedNewPassword": "another"}, "repeatedNewPassword"),
    ],
)
async def test_an_ill_formed_reset_is_a_400_before_the_token_is_looked_up(
    stranger: httpx.AsyncClient, body: Any, field: str
) -> None:
    status, answer = await post(stranger, "reset-password", json=body)
    assert (status, [error["field"] for error in answer["errors"]]) == (400, [field])


@pytest.mark.parametrize("request_", [{}, {"json": {}}, {"params": {"token": ""}}])
async def test_to_validate_no_token_is_a_400(
    stranger: httpx.AsyncClient, request_: dict[str, Any]
) -> None:
    status, answer = await post(stranger, "validate-token", **request_)
    assert (status, answer["errors"][0]["field"]) == (400, "token")


async def test_a_new_password_ends_every_earlier_session_at_once(
    auth: RunningService, member: Any, stranger: httpx.AsyncClient, reset_token: Ask
) -> None:
    elsewhere = await auth.client(SessionUser(id=member.id, email=member.email))
    body = {**NEW, "token": await reset_token(member)}

    await post(member.browser, "reset-password", json=body)

    assert "session" not in member.browser.cookies
    assert (await elsewhere.get("/api/users/currentuser")).json() == {"currentUser": None}
    assert await signs_in(stranger, member.email, "a new password")
    assert (await stranger.get("/api/users/currentuser")).json()["currentUser"] is not None


async def test_a_new_password_is_told_so_that_every_service_ends_them(
    auth: RunningService, member: Any, stranger: httpx.AsyncClient, reset_token: Ask
) -> None:
    sessions: Sessions = auth.app.state.sessions
    body = {**NEW, "token": await reset_token(member)}
    before = utc_now()
    await post(stranger, "reset-password", json=body)
    await signs_in(stranger, member.email, "a new password")

    (event,) = await auth.bus.published(UserChangedPassword)
    assert (event.id, event.version) == (member.id, 2)
    verified = sessions.verify(stranger.cookies["session"])
    assert verified is not None
    assert before <= event.changed_at <= verified[1]


async def test_a_sign_in_that_a_new_password_overtakes_gives_no_session_that_lasts(
    auth: RunningService, member: Any, reset_token: Ask
) -> None:
    """However the two fall together: who knew only the old password is out."""
    token = await reset_token(member)
    browsers = [await auth.client() for _ in range(6)]
    resetter = await auth.client()

    await asyncio.gather(
        *(signs_in(browser, member.email, member.password) for browser in browsers),
        post(resetter, "reset-password", json={**NEW, "token": token}),
    )

    for browser in browsers:
        assert (await browser.get("/api/users/currentuser")).json() == {"currentUser": None}


async def test_sessions_from_before_end_and_one_from_after_holds_whatever_the_clocks_say(
    member: Any, stranger: httpx.AsyncClient, reset_token: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = await reset_token(member)

    def this_replicas_clock_is(off: timedelta) -> None:
        for module in (models, routes):
            monkeypatch.setattr(module, "utc_now", lambda: utc_now() + off)

    this_replicas_clock_is(timedelta(seconds=3))
    assert await signs_in(member.browser, member.email, member.password)
    this_replicas_clock_is(timedelta(0))
    before = member.browser.cookies["session"]
    assert await post(stranger, "reset-password", json={**NEW, "token": token}) == (200, {})
    member.browser.cookies.set("session", before)
    this_replicas_clock_is(timedelta(seconds=-3))
    assert await signs_in(stranger, member.email, NEW["newPassword"])

    for browser, holds in ((member.browser, False), (stranger, True)):
        who = (await browser.get("/api/users/currentuser")).json()["currentUser"]
        assert (who is not None) == holds
