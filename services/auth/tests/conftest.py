"""auth, served on real stores, and people who have accounts there."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import httpx
import pytest

from auth.app import create_app
from auth.settings import AuthSettings
from ticketing_common.events import UserForgotPassword
from ticketing_testing import RunningService, TestEnvironment, new_user

PASSWORD = "correct horse"


@dataclass(frozen=True)
class Member:
    """Somebody with an account, and the browser that they are signed in with."""

    id: str
    email: str
    password: str
    browser: httpx.AsyncClient


@pytest.fixture
async def auth(environment: TestEnvironment) -> AsyncIterator[RunningService]:
    # The tests' browsers speak plain HTTP, and would keep a Secure cookie to themselves.
    async with environment.serve(
        create_app(AuthSettings(**environment.settings(), cookie_secure=False))
    ) as (served):
        yield served


@pytest.fixture
async def stranger(auth: RunningService) -> httpx.AsyncClient:
    """A browser in which nobody is signed in."""
    return await auth.client()


Join = Callable[[], Awaitable[Member]]


@pytest.fixture
def join(auth: RunningService) -> Join:
    """Makes an account."""

    async def make() -> Member:
        browser, email = await auth.client(), new_user().email
        account = {"email": email, "password": PASSWORD}
        answer = await browser.post("/api/users/signup", json=account)
        assert answer.status_code == 201, answer.text
        return Member(answer.json()["id"], email, PASSWORD, browser)

    return make


@pytest.fixture
async def member(join: Join) -> Member:
    return await join()


@pytest.fixture
def reset_token(auth: RunningService) -> Callable[[Member], Awaitable[str]]:
    """Asks for a reset mail, and takes the token from what the bus is told."""

    async def ask(member: Member) -> str:
        before = await auth.bus.published(UserForgotPassword, 0)
        browser = await auth.client()
        await browser.post("/api/users/forgot-password", json={"email": member.email})
        heard = await auth.bus.published(UserForgotPassword, len(before) + 1)
        return heard[-1].token.value.get_secret_value()

    return ask
