"""Passwords and tokens are told to nobody but the one mail that needs one."""

from pathlib import Path
from typing import Any

import httpx
from bson import json_util
from passlib.hash import argon2
from pymongo import AsyncMongoClient

from auth.models import User
from ticketing_common.events import EVENTS, UserChangedPassword, UserForgotPassword
from ticketing_common.messaging.streams import stream_of
from ticketing_dev.stack.processes import services
from ticketing_dev.stack.processes.ports import free_port
from ticketing_testing import Bus, TestEnvironment, new_user
from ticketing_testing.http import NO_KEEPALIVE
from ticketing_testing.processes import environment_variables, run_process
from ticketing_testing.timeouts import TIMEOUT_SECONDS

OLD, NEW = "the first secret", "the second secret"


async def live(environment: TestEnvironment, base_url: str, bus: Bus) -> tuple[str, list[str]]:
    """Somebody's whole life with auth; returns their e-mail and every secret of it."""
    email = new_user().email
    sessions = []
    url = f"{base_url}/api/users"
    async with httpx.AsyncClient(
        base_url=url, timeout=TIMEOUT_SECONDS, limits=NO_KEEPALIVE
    ) as browser:
        old, new = ({"email": email, "password": password} for password in (OLD, NEW))
        await browser.post("/signup", json=old)
        sessions.append(browser.cookies["session"])
        await browser.post("/signin", json={**old, "password": "a wrong secret"})
        await browser.post("/signin", json={**old, "password": "a wrong secret" * 20})
        await browser.post("/signin", json=old)
        await browser.post("/forgot-password", json={"email": email})
        (event,) = await bus.published(UserForgotPassword)
        token = event.token.value.get_secret_value()
        await browser.post("/validate-token", params={"token": token})
        reset = {"newPassword": NEW, "repeatedNewPassword": NEW, "token": token}
        assert (await browser.post("/reset-password", json=reset)).status_code == 200
        assert (await browser.post("/signin", json=new)).status_code == 200
        sessions.append(browser.cookies["session"])
    await bus.published(UserChangedPassword)
    jwt_key: str = environment.settings()["jwt_key"]
    return email, [OLD, NEW, "a wrong secret", token, jwt_key, *sessions]


async def test_no_log_document_or_other_event_holds_a_secret(
    environment: TestEnvironment, tmp_path: Path
) -> None:
    settings = {**environment.settings(), "cookie_secure": "false", "log_level": "DEBUG"}
    part = services.service("auth", free_port(), tmp_path, environment_variables(settings))
    async with Bus.open(environment.nats_url) as bus:
        async with run_process(part):
            email, secrets = await live(environment, part.url, bus)
        logs = part.log.read_text()
        documents = await everything_stored(environment)
        events = await everything_said(bus)

    assert email in documents
    assert "/api/users/reset-password" in logs
    assert "user.changed-password" in events
    for secret in secrets:
        assert secret not in logs
        assert secret not in documents
        assert secret not in events


async def everything_stored(environment: TestEnvironment) -> str:
    client: AsyncMongoClient[dict[str, object]] = AsyncMongoClient(environment.mongo_uri)
    async with client:
        database = client.get_default_database()
        found = [
            json_util.dumps(await database[name].find().to_list())
            for name in await database.list_collection_names()
        ]
    return "\n".join(found)


async def everything_said(bus: Bus) -> str:
    """But the one event that carries a secret."""
    found = []
    for stream in {stream_of(event) for event in EVENTS} - {stream_of(UserForgotPassword)}:
        state = (await bus.js.stream_info(stream)).state
        for sequence in range(max(1, state.first_seq), state.last_seq + 1):
            message = await bus.js.get_msg(stream, sequence)
            found.append(f"{message.subject} {message.headers} {message.data!r}")
    return "\n".join(found)


async def test_a_password_is_kept_as_an_argon2id_hash_of_its_own(join: Any) -> None:
    members = [await join(), await join()]

    kept = [(await User.get(member.id)).password_hash for member in members]  # type: ignore[union-attr]

    assert kept[0] != kept[1]  # the same password, salted
    for member, password_hash in zip(members, kept, strict=True):
        assert password_hash.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
        assert argon2.verify(member.password, password_hash)
