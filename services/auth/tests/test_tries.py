"""Whoever tries too often has to wait."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from auth import passwords
from auth.app import create_app
from auth.settings import AuthSettings
from ticketing_testing import TestEnvironment, eventually

pytestmark = pytest.mark.usefixtures("auth")


async def sign_in(browser: httpx.AsyncClient, email: str, password: str) -> httpx.Response:
    credentials = {"email": email, "password": password}
    return await browser.post("/api/users/signin", json=credentials)


def assert_has_to_wait(answer: httpx.Response, at_most: int) -> None:
    assert answer.status_code == 429
    assert answer.json() == {"errors": [{"message": "Too many tries, try again later"}]}
    assert 0 < int(answer.headers["Retry-After"]) <= at_most


async def test_after_ten_wrong_passwords_even_the_right_one_has_to_wait(
    member: Any, stranger: httpx.AsyncClient
) -> None:
    for _ in range(10):
        assert (await sign_in(stranger, member.email, "wrong one")).status_code == 400

    for email in (member.email, member.email.upper()):
        assert_has_to_wait(await sign_in(stranger, email, member.password), at_most=300)


async def test_many_guesses_at_once_are_no_more_than_ten(
    member: Any, stranger: httpx.AsyncClient
) -> None:
    answers = await asyncio.gather(
        *(sign_in(stranger, member.email, f"guess {number}") for number in range(30))
    )
    assert sorted(answer.status_code for answer in answers) == [400] * 10 + [429] * 20
    assert_has_to_wait(await sign_in(stranger, member.email, member.password), at_most=300)


async def test_the_right_guess_after_many_at_once_comes_too_late(
    member: Any, stranger: httpx.AsyncClient
) -> None:
    words = [*(f"guess {number}" for number in range(29)), member.password]
    guesses = []
    async with nobodys_turn():
        for word in words:
            guesses.append(asyncio.create_task(sign_in(stranger, member.email, word)))
            await eventually(lambda: are_in_hand(len(guesses)))
    *wrong, right = await asyncio.gather(*guesses)
    assert sorted(answer.status_code for answer in wrong) == [400] * 10 + [429] * 19
    assert_has_to_wait(right, at_most=300)


async def test_of_a_crowd_that_signs_in_some_are_told_to_come_again_and_then_all_can(
    member: Any, stranger: httpx.AsyncClient
) -> None:
    crowd = [f"person{number}@example.com" for number in range(passwords.WAITING * 2)]
    async with nobodys_turn():
        trying = [asyncio.create_task(sign_in(stranger, email, "a guess")) for email in crowd]
        await eventually(lambda: are_answered(trying, passwords.WAITING))
    answers = await asyncio.gather(*trying)

    expected = [400] * passwords.WAITING + [503] * passwords.WAITING
    assert sorted(answer.status_code for answer in answers) == expected
    for answer in answers:
        if answer.status_code == 503:
            assert answer.headers["Retry-After"] == "1"
            assert answer.json() == {
                "errors": [{"message": "Too many sign in at once, try again soon"}]
            }
    assert (await sign_in(stranger, member.email, member.password)).status_code == 200


@asynccontextmanager
async def nobodys_turn() -> AsyncIterator[None]:
    """Until the block ends no password is looked at."""
    over = threading.Event()
    for _ in range(passwords._pool._max_workers):
        passwords._pool.submit(over.wait)
    try:
        yield
    finally:
        over.set()


async def are_in_hand(count: int) -> bool:
    return passwords._in_hand == count


async def are_answered(asked: list[asyncio.Task[httpx.Response]], count: int) -> bool:
    return sum(one.done() for one in asked) == count


async def test_one_users_tries_are_none_of_anothers(
    member: Any, join: Any, stranger: httpx.AsyncClient
) -> None:
    other = await join()
    for _ in range(11):
        await sign_in(stranger, member.email, "wrong one")
    assert (await sign_in(stranger, other.email, other.password)).status_code == 200


async def test_right_passwords_do_not_count(member: Any, stranger: httpx.AsyncClient) -> None:
    for _ in range(12):
        assert (await sign_in(stranger, member.email, member.password)).status_code == 200


@pytest.mark.parametrize("known", [True, False])
async def test_reset_mails_to_one_email_are_few_whether_it_is_known_or_not(
    member: Any, stranger: httpx.AsyncClient, known: bool
) -> None:
    asked = {"email": member.email if known else "nobody@example.com"}
    for _ in range(5):
        answer = await stranger.post("/api/users/forgot-password", json=asked)
        assert answer.status_code == 200
    assert_has_to_wait(await stranger.post("/api/users/forgot-password", json=asked), at_most=900)


async def test_the_openapi_document_tells_of_it(environment: TestEnvironment) -> None:
    paths = create_app(AuthSettings(**environment.settings())).openapi()["paths"]
    for route in ("signin", "forgot-password"):
        assert "429" in paths[f"/api/users/{route}"]["post"]["responses"]
