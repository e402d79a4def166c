"""auth, served on real stores, and people who have accounts there."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import httpx
import pytest

from auth.app import create_app
from auth.settings import AuthSettings
from ticketing_common.events import UserForgotPassword
from ticketing_testing import Served, World, somebody

PASSWORD = "correct horse"


@dataclass(frozen=True)
class Member:
    """Somebody with an account, and the browser that they are signed in with."""

    id: str
    email: str
    password: str
    browser: httpx.AsyncClient


@pytest.fixture
async def auth(world: World) -> AsyncIterator[Served]:
    # The tests' browsers speak plain HTTP, and would keep a Secure cookie to themselves.
    async with world.serving(create_app(AuthSettings(**world.settings(), cookie_secure=False))) as (
        served
    ):
        yield served


@pytest.fixture
async def stranger(auth: Served) -> httpx.AsyncClient:
    """A browser in which nobody is signed in."""
    return await auth.visitor()


Join = Callable[[], Awaitable[Member]]


@pytest.fixture
def join(auth: Served) -> Join:
    """Makes an account."""

    async def make() -> Member:
        browser, email = await auth.visitor(), somebody().email
        account = {"email": email, "password": PASSWORD}
        answer = await browser.post("/api/users/signup", json=account)
        assert answer.status_code == 201, answer.text
        return Member(answer.json()["id"], email, PASSWORD, browser)

    return make


@pytest.fixture
async def member(join: Join) -> Member:
    return await join()


@pytest.fixture
def reset_token(auth: Served) -> Callable[[Member], Awaitable[str]]:
    """Asks for a reset mail, and takes the token from what the bus is told."""

    async def ask(member: Member) -> str:
        before = await auth.bus.heard(UserForgotPassword, 0)
        browser = await auth.visitor()
        await browser.post("/api/users/forgot-password", json={"email": member.email})
        heard = await auth.bus.heard(UserForgotPassword, len(before) + 1)
        return heard[-1].token.value.get_secret_value()

    return ask
