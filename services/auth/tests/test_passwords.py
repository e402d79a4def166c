import asyncio

import httpx
from passlib.hash import argon2
from services.auth.tests.conftest import Account, CreateAccount
from services.auth.tests.password_pool import block_password_pool

from auth.models import User
from auth.passwords import MAX_PENDING
from ticketing_testing import eventually

TOO_MANY_SIGN_INS = {
    "errors": [
        {
            "code": "too_many_sign_ins",
            "message": "Too many people are signing in right now. Try again soon.",
        }
    ]
}


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


async def test_verify_password_refuses_more_than_max_pending(
    account: Account, client: httpx.AsyncClient
) -> None:
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
            assert response.headers["Retry-After"] == "1"
            assert response.json() == TOO_MANY_SIGN_INS
    assert (await sign_in(client, account.email, account.password)).status_code == 200
