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
class Account:
    """A user with a password, and a client that is signed in as that user."""

    id: str
    email: str
    password: str
    client: httpx.AsyncClient


CreateAccount = Callable[[], Awaitable[Account]]
RequestResetToken = Callable[[Account], Awaitable[str]]


@pytest.fixture
async def auth(environment: TestEnvironment) -> AsyncIterator[RunningService]:
    # The clients use plain HTTP, over which they would not send a Secure cookie.
    settings = AuthSettings(**environment.settings(), cookie_secure=False)
    async with environment.serve(create_app(settings)) as service:
        yield service


@pytest.fixture
async def client(auth: RunningService) -> httpx.AsyncClient:
    """A client without a session."""
    return await auth.client()


@pytest.fixture
def create_account(auth: RunningService) -> CreateAccount:
    """A function that creates an account."""

    async def create() -> Account:
        client, email = await auth.client(), new_user().email
        credentials = {"email": email, "password": PASSWORD}
        response = await client.post("/api/users/signup", json=credentials)
        assert response.status_code == 201, response.text
        return Account(response.json()["id"], email, PASSWORD, client)

    return create


@pytest.fixture
async def account(create_account: CreateAccount) -> Account:
    return await create_account()


@pytest.fixture
def request_reset_token(auth: RunningService) -> RequestResetToken:
    """A function that requests a reset mail and returns the token of its event."""

    async def request(account: Account) -> str:
        earlier = await auth.bus.published(UserForgotPassword, 0)
        client = await auth.client()
        await client.post("/api/users/forgot-password", json={"email": account.email})
        events = await auth.bus.published(UserForgotPassword, len(earlier) + 1)
        return events[-1].token.value.get_secret_value()

    return request
