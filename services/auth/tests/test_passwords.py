import asyncio
import os
import sys
import threading

import httpx
import pytest
from passlib.hash import argon2
from services.auth.tests.conftest import Account, CreateAccount
from services.auth.tests.password_pool import block_password_pool

from auth import passwords
from auth.models import User
from auth.passwords import MAX_WAITING, THREADS
from ticketing_common.events import UserSignedIn
from ticketing_testing import RunningService, eventually
from ticketing_testing.timeouts import TIMEOUT_SECONDS

TOO_MANY_SIGN_INS = {
    "errors": [
        {
            "code": "too_many_sign_ins",
            "message": "Too many people are signing in right now. Try again soon.",
        }
    ]
}

MAX_PENDING = THREADS + MAX_WAITING


async def sign_in(client: httpx.AsyncClient, email: str, password: str) -> httpx.Response:
    return await client.post("/api/users/signin", json={"email": email, "password": password})


async def test_hash_password_uses_argon2id_and_a_new_salt(create_account: CreateAccount) -> None:
    accounts = [await create_account(), await create_account()]

    users = [await User.get(account.id) for account in accounts]

    hashes = [user.password_hash for user in users if user is not None]
    assert hashes[0] != hashes[1]  # the password is the same
    for account, password_hash in zip(accounts, hashes, strict=True):
        assert password_hash.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
        assert argon2.verify(account.password, password_hash)


async def test_sign_in_upgrades_a_hash_of_older_parameters(
    account: Account, client: httpx.AsyncClient
) -> None:
    async def stored() -> str:
        user = await User.get(account.id)
        assert user is not None
        return user.password_hash

    old = argon2.using(type="ID", memory_cost=8_192, time_cost=1, parallelism=1)
    user = await User.get(account.id)
    assert user is not None
    await user.set({"password_hash": old.hash(account.password)})

    assert (await sign_in(client, account.email, "a wrong one")).status_code == 400
    assert "m=8192" in await stored()
    assert (await sign_in(client, account.email, account.password)).status_code == 200

    upgraded = await stored()
    assert upgraded.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert (await sign_in(client, account.email, account.password)).status_code == 200
    assert await stored() == upgraded


async def test_verify_password_refuses_more_than_max_pending(
    account: Account, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passwords._queue, "_max_wait_seconds", TIMEOUT_SECONDS)
    emails = [f"person{number}@example.com" for number in range(MAX_PENDING * 2)]
    async with block_password_pool():
        requests = [asyncio.create_task(sign_in(client, email, "a guess")) for email in emails]

        async def rest_is_refused() -> bool:
            return sum(request.done() for request in requests) == MAX_PENDING

        await eventually(rest_is_refused)

    responses = await asyncio.gather(*requests)

    expected = [400] * MAX_PENDING + [503] * MAX_PENDING
    assert sorted(response.status_code for response in responses) == expected
    for response in responses:
        if response.status_code == 503:
            assert int(response.headers["Retry-After"]) > 0
            assert response.json() == TOO_MANY_SIGN_INS
    assert (await sign_in(client, account.email, account.password)).status_code == 200


@pytest.mark.skipif(sys.platform != "linux", reason="threads have no priority of their own")
async def test_hashing_threads_leave_the_cores_to_the_event_loop() -> None:
    def priority() -> int:
        return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    hashing = await asyncio.get_running_loop().run_in_executor(passwords._pool, priority)

    assert hashing == passwords.NICENESS > priority()


async def test_concurrent_sign_ins_of_one_user_all_succeed(
    auth: RunningService, account: Account
) -> None:
    clients = [await auth.client() for _ in range(8)]

    responses = await asyncio.gather(
        *(sign_in(client, account.email, account.password) for client in clients)
    )

    assert [response.status_code for response in responses] == [200] * 8
    events = await auth.bus.published(UserSignedIn, 8)
    assert sorted(event.version for event in events) == list(range(1, 9))
