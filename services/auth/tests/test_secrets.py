import json
from pathlib import Path

import httpx
from bson import json_util
from pymongo import AsyncMongoClient

from ticketing_common.events import EVENTS, UserChangedPassword, UserForgotPassword
from ticketing_common.messaging.streams import stream_of
from ticketing_dev.stack.processes import services
from ticketing_dev.stack.processes.ports import free_port
from ticketing_testing import Bus, TestEnvironment, new_user
from ticketing_testing.http import NO_KEEPALIVE
from ticketing_testing.processes import environment_variables, run_process
from ticketing_testing.timeouts import TIMEOUT_SECONDS

OLD_PASSWORD, NEW_PASSWORD = "the first secret", "the second secret"


async def use_all_routes(
    environment: TestEnvironment, base_url: str, bus: Bus
) -> tuple[str, list[str]]:
    """Send all requests that contain a secret. Returns the user's e-mail and the secrets."""
    email = new_user().email
    sessions = []
    async with httpx.AsyncClient(
        base_url=f"{base_url}/api/users", timeout=TIMEOUT_SECONDS, limits=NO_KEEPALIVE
    ) as client:
        old = {"email": email, "password": OLD_PASSWORD}
        new = {"email": email, "password": NEW_PASSWORD}
        await client.post("/signup", json=old)
        sessions.append(client.cookies["session"])
        await client.post("/signin", json={**old, "password": "a wrong secret"})
        await client.post("/signin", json={**old, "password": "a wrong secret" * 20})
        await client.post("/signin", json=old)
        await client.post("/forgot-password", json={"email": email})
        [event] = await bus.published(UserForgotPassword)
        token = event.token.value.get_secret_value()
        await client.post("/validate-token", params={"token": token})
        reset = {"newPassword": NEW_PASSWORD, "repeatedNewPassword": NEW_PASSWORD, "token": token}
        assert (await client.post("/reset-password", json=reset)).status_code == 200
        assert (await client.post("/signin", json=new)).status_code == 200
        sessions.append(client.cookies["session"])
    await bus.published(UserChangedPassword)
    private_key: str = json.loads(environment.settings()["jwt_private_key"])["d"]
    return email, [OLD_PASSWORD, NEW_PASSWORD, "a wrong secret", token, private_key, *sessions]


async def all_documents(environment: TestEnvironment) -> str:
    client: AsyncMongoClient[dict[str, object]] = AsyncMongoClient(environment.mongo_uri)
    async with client:
        database = client.get_default_database()
        found = [
            json_util.dumps(await database[name].find().to_list())
            for name in await database.list_collection_names()
        ]
    return "\n".join(found)


async def all_messages_except_reset_tokens(bus: Bus) -> str:
    found = []
    for stream in {stream_of(event) for event in EVENTS} - {stream_of(UserForgotPassword)}:
        state = (await bus.js.stream_info(stream)).state
        for sequence in range(max(1, state.first_seq), state.last_seq + 1):
            message = await bus.js.get_msg(stream, sequence)
            found.append(f"{message.subject} {message.headers} {message.data!r}")
    return "\n".join(found)


async def test_secrets_are_in_no_log_document_or_message(
    environment: TestEnvironment, tmp_path: Path
) -> None:
    settings = {**environment.settings(), "cookie_secure": "false", "log_level": "DEBUG"}
    process = services.service("auth", free_port(), tmp_path, environment_variables(settings))
    async with Bus.open(environment.nats_url) as bus:
        async with run_process(process):
            email, secrets = await use_all_routes(environment, process.url, bus)
        logs = process.log.read_text()
        documents = await all_documents(environment)
        messages = await all_messages_except_reset_tokens(bus)

    assert email in documents
    assert "/api/users/reset-password" in logs
    assert "user.changed-password" in messages
    for secret in secrets:
        assert secret not in logs
        assert secret not in documents
        assert secret not in messages
