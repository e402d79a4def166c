"""Signing up, in and out."""

import asyncio
from typing import Any

import httpx
import pytest

from auth.app import create_app
from auth.settings import AuthSettings
from ticketing_common.events import UserSignedIn, UserSignedUp
from ticketing_common.persistence import outbox
from ticketing_dev.stack.processes.ports import free_port
from ticketing_testing import RunningService, TestEnvironment, new_id, new_user, serve_app

GOOD = {"email": "ann@example.com", "password": "long enough"}
INVALID_CREDENTIALS = {"errors": [{"message": "Invalid credentials"}]}


async def who(browser: httpx.AsyncClient) -> Any:
    answer = await browser.get("/api/users/currentuser")
    assert answer.status_code == 200
    return answer.json()["currentUser"]


async def test_signing_up_makes_an_account_and_signs_in(
    auth: RunningService, stranger: httpx.AsyncClient
) -> None:
    answer = await stranger.post("/api/users/signup", json=GOOD)

    assert answer.status_code == 201
    user = answer.json()
    assert user == {"id": user["id"], "email": "ann@example.com"}
    assert await who(stranger) == user
    (event,) = await auth.bus.published(UserSignedUp)
    assert (event.id, event.version, event.email) == (user["id"], 0, "ann@example.com")


@pytest.mark.parametrize("email", ["ann@example.com", " ANN@Example.COM "])
async def test_an_email_in_use_is_refused_whatever_its_case(
    stranger: httpx.AsyncClient, email: str
) -> None:
    await stranger.post("/api/users/signup", json=GOOD)

    answer = await stranger.post("/api/users/signup", json={**GOOD, "email": email})

    assert answer.status_code == 400
    assert answer.json() == {"errors": [{"message": "Email is in use", "field": "email"}]}


async def test_of_many_who_sign_up_with_one_email_at_once_one_gets_it(
    auth: RunningService, stranger: httpx.AsyncClient
) -> None:
    emails = ["ann@example.com", "Ann@example.com", "ANN@EXAMPLE.COM"] * 3
    answers = await asyncio.gather(
        *(stranger.post("/api/users/signup", json={**GOOD, "email": email}) for email in emails)
    )

    assert sorted(answer.status_code for answer in answers) == [201] + [400] * 8
    assert len(await auth.bus.published(UserSignedUp)) == 1


@pytest.mark.parametrize(
    ("account", "fields"),
    [
        ({}, ["email", "password"]),
        ({"email": "ann", "password": "long enough"}, ["email"]),
        ({"email": "a@b@example.com", "password": "short"}, ["email", "password"]),
        ({**GOOD, "email": f"{'a' * 300}@example.com"}, ["email"]),
        ({**GOOD, "email": "ann\0@example.com"}, ["email"]),
        ({**GOOD, "email": {"$ne": None}}, ["email"]),
        ({**GOOD, "email": ["ann@example.com"]}, ["email"]),
        ({**GOOD, "password": "1234567"}, ["password"]),
        ({**GOOD, "password": "x" * 129}, ["password"]),
        ({**GOOD, "password": 12345678}, ["password"]),
    ],
)
async def test_an_ill_formed_account_is_a_400_that_names_each_bad_field(
    stranger: httpx.AsyncClient, account: Any, fields: list[str]
) -> None:
    answer = await stranger.post("/api/users/signup", json=account)

    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == fields


@pytest.mark.parametrize("body", [b"{", b"", b"null", b"[]", b'"ann"', b"\xff"])
async def test_a_body_that_is_no_object_is_a_400(stranger: httpx.AsyncClient, body: bytes) -> None:
    json_type = {"Content-Type": "application/json"}
    for route in ("signup", "signin", "forgot-password", "reset-password"):
        answer = await stranger.post(f"/api/users/{route}", content=body, headers=json_type)
        assert answer.status_code == 400
        assert answer.json()["errors"]


@pytest.mark.parametrize("password", ["12345678", "x" * 128, "pass\0word", "пароль с пробелами"])
async def test_any_password_of_8_to_128_characters_lets_its_owner_in(
    stranger: httpx.AsyncClient, password: str
) -> None:
    account = {**GOOD, "password": password}
    assert (await stranger.post("/api/users/signup", json=account)).status_code == 201
    assert (await stranger.post("/api/users/signin", json=account)).status_code == 200


async def test_signing_in_begins_a_session_and_is_told(
    auth: RunningService, stranger: httpx.AsyncClient
) -> None:
    made = (await stranger.post("/api/users/signup", json=GOOD)).json()
    stranger.cookies.clear()

    answer = await stranger.post("/api/users/signin", json={**GOOD, "email": "Ann@Example.com"})

    assert (answer.status_code, answer.json()) == (200, made)
    assert await who(stranger) == made
    (event,) = await auth.bus.published(UserSignedIn)
    assert (event.id, event.version) == (made["id"], 1)


async def test_a_wrong_password_and_an_unknown_email_are_answered_alike(
    stranger: httpx.AsyncClient,
) -> None:
    await stranger.post("/api/users/signup", json=GOOD)
    wrong_password = {**GOOD, "password": "wrong one"}
    unknown = {**GOOD, "email": "nobody@example.com"}
    stranger.cookies.clear()

    answers = [
        await stranger.post("/api/users/signin", json=one) for one in (wrong_password, unknown)
    ]

    for answer in answers:
        assert (answer.status_code, answer.json()) == (400, INVALID_CREDENTIALS)
        assert "Set-Cookie" not in answer.headers


async def test_they_take_alike_long_too(stranger: httpx.AsyncClient) -> None:
    await stranger.post("/api/users/signup", json=GOOD)

    async def seconds(email: str) -> float:
        wrong = {"email": email, "password": "wrong one"}
        answer = await stranger.post("/api/users/signin", json=wrong)
        assert answer.status_code == 400
        return answer.elapsed.total_seconds()

    # Of several, by turns: whatever else the machine does only makes one slower.
    emails = ("ann@example.com", "nobody@example.com")
    turns = [[await seconds(email) for email in emails] for _ in range(8)]
    known, unknown = map(min, zip(*turns, strict=True))

    # Without a hash for nobody, the second would take a tenth of the first.
    assert 0.4 < known / unknown < 2.5


async def test_signing_out_ends_the_session_and_needs_none(stranger: httpx.AsyncClient) -> None:
    await stranger.post("/api/users/signup", json=GOOD)

    for _ in range(2):
        answer = await stranger.post("/api/users/signout")
        assert (answer.status_code, answer.json()) == (200, {})
        assert await who(stranger) is None


async def test_many_sign_ins_of_one_user_at_once_all_succeed(
    auth: RunningService, stranger: httpx.AsyncClient
) -> None:
    await stranger.post("/api/users/signup", json=GOOD)

    answers = await asyncio.gather(
        *(stranger.post("/api/users/signin", json=GOOD) for _ in range(8))
    )

    assert {answer.status_code for answer in answers} == {200}
    events = await auth.bus.published(UserSignedIn, 8)
    assert [event.version for event in events] == list(range(1, 9))


async def test_a_page_of_another_origin_changes_nothing(
    auth: RunningService, stranger: httpx.AsyncClient
) -> None:
    elsewhere = {"Origin": "https://evil.example"}
    answer = await stranger.post("/api/users/signup", json=GOOD, headers=elsewhere)
    assert answer.status_code == 403
    assert await auth.bus.published(UserSignedUp, 0) == []


async def test_people_sign_up_while_the_broker_is_away(environment: TestEnvironment) -> None:
    away = environment.settings() | {"nats_url": f"nats://127.0.0.1:{free_port()}"}
    async with serve_app(create_app(AuthSettings(**away))) as auth:
        stranger = await auth.client()

        account = {"email": new_user().email, "password": new_id()}
        assert (await stranger.post("/api/users/signup", json=account)).status_code == 201
        assert await outbox.rows().count_documents({"subject": UserSignedUp.subject}) == 1
