import asyncio
import re

import httpx
import pytest
from services.auth.tests.conftest import Account, CreateAccount
from services.auth.tests.password_pool import block_password_pool, has_pending_passwords

from auth import passwords
from ticketing_testing import eventually
from ticketing_testing.timeouts import TIMEOUT_SECONDS

pytestmark = pytest.mark.usefixtures("auth")


@pytest.fixture(autouse=True)
def long_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse no sign-in because a slow machine hashes slowly."""
    monkeypatch.setattr(passwords._queue, "_max_wait_seconds", TIMEOUT_SECONDS)


async def sign_in(client: httpx.AsyncClient, email: str, password: str) -> httpx.Response:
    return await client.post("/api/users/signin", json={"email": email, "password": password})


def assert_rate_limited(response: httpx.Response, max_retry_after: int) -> None:
    assert response.status_code == 429
    [error] = response.json()["errors"]
    assert error["code"] == "rate_limited"
    assert re.fullmatch(
        r"Too many attempts\. Try again in \d+ (minutes|seconds?)\.", error["message"]
    )
    assert 0 < int(response.headers["Retry-After"]) <= max_retry_after


async def test_sign_in_is_limited_after_ten_wrong_passwords(
    account: Account, client: httpx.AsyncClient
) -> None:
    for _ in range(10):
        assert (await sign_in(client, account.email, "wrong one")).status_code == 400

    for email in (account.email, account.email.upper()):
        response = await sign_in(client, email, account.password)
        assert_rate_limited(response, max_retry_after=300)


async def test_sign_in_checks_ten_of_many_concurrent_wrong_passwords(
    account: Account, client: httpx.AsyncClient
) -> None:
    responses = await asyncio.gather(
        *(sign_in(client, account.email, f"guess {number}") for number in range(30))
    )

    assert sorted(response.status_code for response in responses) == [400] * 10 + [429] * 20
    response = await sign_in(client, account.email, account.password)
    assert_rate_limited(response, max_retry_after=300)


async def test_sign_in_refuses_right_password_after_many_concurrent_wrong_ones(
    account: Account, client: httpx.AsyncClient
) -> None:
    passwords = [*(f"guess {number}" for number in range(29)), account.password]
    requests = []
    async with block_password_pool():
        for password in passwords:
            requests.append(asyncio.create_task(sign_in(client, account.email, password)))
            await eventually(lambda: has_pending_passwords(len(requests)))

    *wrong, right = await asyncio.gather(*requests)

    assert sorted(response.status_code for response in wrong) == [400] * 10 + [429] * 19
    assert_rate_limited(right, max_retry_after=300)


async def test_sign_in_limits_each_email_separately(
    account: Account, create_account: CreateAccount, client: httpx.AsyncClient
) -> None:
    other_account = await create_account()

    for _ in range(11):
        await sign_in(client, account.email, "wrong one")

    response = await sign_in(client, other_account.email, other_account.password)
    assert response.status_code == 200


async def test_sign_in_does_not_count_right_passwords(
    account: Account, client: httpx.AsyncClient
) -> None:
    for _ in range(12):
        assert (await sign_in(client, account.email, account.password)).status_code == 200


@pytest.mark.parametrize("known", [True, False])
async def test_forgot_password_is_limited_for_known_and_unknown_email(
    account: Account, client: httpx.AsyncClient, known: bool
) -> None:
    body = {"email": account.email if known else "nobody@example.com"}

    for _ in range(5):
        response = await client.post("/api/users/forgot-password", json=body)
        assert response.status_code == 200

    response = await client.post("/api/users/forgot-password", json=body)
    assert_rate_limited(response, max_retry_after=900)
