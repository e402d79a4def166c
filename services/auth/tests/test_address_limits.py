import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from services.auth.tests.password_pool import block_password_pool, has_pending_passwords

from auth import passwords
from auth.app import create_app
from auth.passwords import MAX_WAITING, THREADS
from auth.settings import AuthSettings
from ticketing_common.web.middleware.body_limit import MAX_BODY_BYTES
from ticketing_testing import RunningService, TestEnvironment, eventually, new_user, serve_app
from ticketing_testing.timeouts import TIMEOUT_SECONDS

SIGN_IN, SIGN_UP = "/api/users/signin", "/api/users/signup"
RIGHT_PASSWORD = "correct horse"


def strict_settings(environment: TestEnvironment, **fields: object) -> AuthSettings:
    """The settings of a cluster behind one proxy."""
    strict = {"limits_by_address_factor": 1, "trusted_proxies": "127.0.0.1"}
    return AuthSettings(**environment.settings() | strict | fields)


@pytest.fixture
async def auth(environment: TestEnvironment) -> AsyncIterator[RunningService]:
    async with environment.serve(create_app(strict_settings(environment))) as service:
        yield service


@pytest.fixture
async def client(auth: RunningService) -> httpx.AsyncClient:
    return await auth.client()


def account_of(email: str | None = None) -> dict[str, str]:
    return {"email": email or new_user().email, "password": RIGHT_PASSWORD}


async def sign_up_from(client: httpx.AsyncClient, forwarded_for: str) -> httpx.Response:
    headers = {"X-Forwarded-For": forwarded_for}
    return await client.post(SIGN_UP, json=account_of(), headers=headers)


async def use_up_sign_ups(client: httpx.AsyncClient, address: str) -> None:
    """Sign up from the address until it may not."""
    invalid = {"email": "no address", "password": RIGHT_PASSWORD}
    for _ in range(10):
        response = await client.post(SIGN_UP, json=invalid, headers={"X-Forwarded-For": address})
        assert response.status_code == 400


async def test_sign_ups_of_one_address_are_limited(client: httpx.AsyncClient) -> None:
    await use_up_sign_ups(client, "203.0.113.7")

    refused = await sign_up_from(client, "203.0.113.7")
    other = await sign_up_from(client, "203.0.113.8")

    assert (refused.status_code, other.status_code) == (429, 201)
    [error] = refused.json()["errors"]
    assert error["code"] == "rate_limited"
    assert 0 < int(refused.headers["Retry-After"]) <= 600
    assert refused.headers["RateLimit-Policy"] == '"sign_ups_by_address";q=10;w=600'
    assert refused.headers["RateLimit"].startswith('"sign_ups_by_address";r=0;t=')
    assert other.headers["RateLimit"] == '"sign_ups_by_address";r=9'


@pytest.mark.parametrize(
    "spoofed",
    [
        "198.51.100.1, 203.0.113.7",  # the proxy appends the address that it sees
        "junk, 203.0.113.7",
        "203.0.113.7:4711",
        "203.0.113.7, 127.0.0.1",  # two trusted proxies
    ],
)
async def test_address_is_the_last_one_that_no_trusted_proxy_has(
    client: httpx.AsyncClient, spoofed: str
) -> None:
    await use_up_sign_ups(client, "203.0.113.7")

    assert (await sign_up_from(client, spoofed)).status_code == 429


async def test_addresses_of_one_ipv6_network_share_their_limits(client: httpx.AsyncClient) -> None:
    await use_up_sign_ups(client, "2001:db8:1:2::3")

    assert (await sign_up_from(client, "2001:db8:1:2:ffff::4")).status_code == 429
    assert (await sign_up_from(client, "2001:db8:1:3::3")).status_code == 201


async def test_forwarded_addresses_of_a_stranger_do_not_count(environment: TestEnvironment) -> None:
    app = create_app(strict_settings(environment, trusted_proxies="10.0.0.0/8"))
    async with environment.serve(app) as auth:
        client = await auth.client()
        await use_up_sign_ups(client, "203.0.113.7")

        assert (await sign_up_from(client, "203.0.113.8")).status_code == 429


async def test_limits_by_address_come_after_origin_and_body_and_before_the_rest(
    client: httpx.AsyncClient,
) -> None:
    await use_up_sign_ups(client, "127.0.0.1")
    foreign = await client.post(SIGN_UP, json={}, headers={"Origin": "https://evil.example"})
    large = await client.post(SIGN_UP, content=b" " * (MAX_BODY_BYTES + 1))
    malformed = await client.post(SIGN_UP, content=b"{")

    statuses = [response.status_code for response in (foreign, large, malformed)]
    assert statuses == [403, 413, 429]


async def test_replicas_share_limits_by_address(environment: TestEnvironment) -> None:
    settings = strict_settings(environment, limits_redis_url=environment.redis_url)
    async with (
        environment.serve(create_app(settings)) as one,
        serve_app(create_app(settings)) as other,
    ):
        await use_up_sign_ups(await one.client(), "203.0.113.7")

        assert (await sign_up_from(await other.client(), "203.0.113.7")).status_code == 429


async def test_flood_of_sign_ins_leaves_the_hashing_queue_to_others(
    environment: TestEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passwords._queue, "_max_wait_seconds", TIMEOUT_SECONDS)
    settings = strict_settings(environment, limit_sign_ins_by_address="1000 per minute")
    async with environment.serve(create_app(settings)) as auth:
        client = await auth.client()
        right = [account_of() for _ in range(17)]
        for number, account in enumerate(right):
            headers = {"X-Forwarded-For": f"198.51.100.{number}"}
            assert (await client.post(SIGN_UP, json=account, headers=headers)).status_code == 201

        def sign_in(account: dict[str, str], address: str) -> "asyncio.Task[httpx.Response]":
            headers = {"X-Forwarded-For": address}
            return asyncio.create_task(client.post(SIGN_IN, json=account, headers=headers))

        async with block_password_pool():
            flood = [sign_in(account_of(), "203.0.113.7") for _ in range(60)]
            await eventually(lambda: has_pending_passwords(THREADS + MAX_WAITING))
            signing_in = [
                sign_in(account, f"198.51.100.{number}") for number, account in enumerate(right)
            ]

            async def some_gave_way() -> bool:
                return sum(task.done() for task in flood) == 60 - THREADS - MAX_WAITING + 17

            await eventually(some_gave_way)
        statuses = [(await task).status_code for task in signing_in]
        await asyncio.gather(*flood)

    assert statuses == [200] * 17
