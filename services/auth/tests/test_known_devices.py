import httpx
import pytest
from services.auth.tests.conftest import Account, RequestResetToken

from auth.models import MAX_DEVICES, User
from ticketing_testing import RunningService

pytestmark = pytest.mark.usefixtures("auth")

NEW_PASSWORD = "staple battery"


async def sign_in(client: httpx.AsyncClient, email: str, password: str) -> int:
    body = {"email": email, "password": password}
    return (await client.post("/api/users/signin", json=body)).status_code


async def guess(client: httpx.AsyncClient, email: str, times: int = 11) -> None:
    """Enter wrong passwords until the client may enter no more."""
    for _ in range(times):
        status = await sign_in(client, email, "wrong one")
    assert status == 429


async def test_guesses_of_a_stranger_do_not_lock_a_known_device_out(
    account: Account, client: httpx.AsyncClient
) -> None:
    await guess(client, account.email)

    assert await sign_in(client, account.email, account.password) == 429
    assert await sign_in(account.client, account.email, account.password) == 200


async def test_guesses_of_a_known_device_are_limited(account: Account) -> None:
    await guess(account.client, account.email)

    assert await sign_in(account.client, account.email, account.password) == 429


async def test_device_of_one_user_is_a_stranger_to_another(
    account: Account, auth: RunningService, create_account: object
) -> None:
    stranger: Account = await create_account()  # type: ignore[operator]

    await guess(stranger.client, account.email)

    assert await sign_in(stranger.client, account.email, account.password) == 429


@pytest.mark.parametrize("device", ["", "x" * 32, "x" * 5000, "é"])
async def test_invented_device_is_not_known(
    account: Account, client: httpx.AsyncClient, device: str
) -> None:
    headers = {b"Cookie": f"device={device}".encode()}
    for _ in range(10):
        await sign_in(client, account.email, "wrong one")
    body = {"email": account.email, "password": account.password}

    response = await client.post("/api/users/signin", json=body, headers=headers)

    assert response.status_code == 429


async def test_reset_of_the_password_ends_a_lockout(
    account: Account,
    auth: RunningService,
    client: httpx.AsyncClient,
    request_reset_token: RequestResetToken,
) -> None:
    token = await request_reset_token(account)
    await guess(client, account.email)
    owner = await auth.client()
    passwords = {"newPassword": NEW_PASSWORD, "repeatedNewPassword": NEW_PASSWORD}

    reset = await owner.post("/api/users/reset-password", json={"token": token} | passwords)
    assert reset.status_code == 200

    # From any browser right after it, and from this one after a stranger's guesses too.
    assert await sign_in(await auth.client(), account.email, NEW_PASSWORD) == 200
    await guess(client, account.email)
    assert await sign_in(owner, account.email, NEW_PASSWORD) == 200


async def test_user_has_a_bounded_number_of_devices(account: Account, auth: RunningService) -> None:
    for _ in range(MAX_DEVICES + 2):
        assert await sign_in(await auth.client(), account.email, account.password) == 200

    user = await User.find_by_email(account.email)

    assert user is not None
    assert len(user.known_devices) == MAX_DEVICES
