import asyncio
from datetime import timedelta

import httpx
import pytest
from common.tests.sample_service import CreateApp, Item, SampleListeners, create_sample_service
from pymongo.errors import OperationFailure

from ticketing_common.errors import BadRequest
from ticketing_common.events import TicketCreated
from ticketing_common.persistence import transaction
from ticketing_common.settings import SessionSettings
from ticketing_common.web import idempotency
from ticketing_testing import RunningService, TestEnvironment, new_id, new_user, serve_app

KEY = {"Idempotency-Key": "8a6e0804"}


async def make(visitor: httpx.AsyncClient, title: str = "a", **headers: str) -> httpx.Response:
    return await visitor.post("/api/items", json={"title": title}, headers=KEY | headers)


async def test_repeated_request_gets_the_stored_response(served: RunningService) -> None:
    visitor = await served.client(new_user())

    first, again = await make(visitor), await make(visitor)

    assert first.status_code == again.status_code == 201
    assert first.json() == again.json()
    assert first.headers["content-type"] == again.headers["content-type"]
    assert await Item.count() == 1
    assert len(await served.bus.published(TicketCreated)) == 1


async def test_same_key_with_another_body_is_refused(served: RunningService) -> None:
    visitor = await served.client(new_user())
    await make(visitor)

    refused = await make(visitor, "b")

    assert refused.status_code == 400
    assert refused.json()["errors"][0]["field"] == "Idempotency-Key"
    assert await Item.count() == 1


async def test_same_key_on_another_route_is_refused(served: RunningService) -> None:
    visitor = await served.client(new_user())
    made = (await make(visitor)).json()

    refused = await visitor.put(f"/api/items/{made['id']}", json={"title": "a"}, headers=KEY)

    assert refused.status_code == 400


async def test_keys_of_two_users_are_independent(served: RunningService) -> None:
    one, other = await served.client(new_user()), await served.client(new_user())

    assert (await make(one)).json()["id"] != (await make(other)).json()["id"]


async def test_keys_of_one_account_are_limited(
    environment: TestEnvironment, sample: SampleListeners
) -> None:
    settings = SessionSettings(
        **environment.settings(), limit_idempotency_keys_by_account="3 per hour"
    )
    async with environment.serve(create_sample_service(settings, sample.listeners)) as served:
        visitor, other = await served.client(new_user()), await served.client(new_user())

        statuses = [
            (await visitor.post("/api/items", json={}, headers={"Idempotency-Key": f"{number}"}))
            for number in range(5)
        ]

        assert [response.status_code for response in statuses] == [400, 400, 400, 429, 429]
        assert await idempotency.keys().count_documents({}) == 3
        assert (await make(other)).status_code == 201


async def test_concurrent_requests_with_one_key_run_once(
    environment: TestEnvironment, create_app: CreateApp
) -> None:
    async with (
        environment.serve(create_app()) as first,
        # With the bus: requests get a 503 until a process knows which sessions have ended.
        serve_app(create_app(), first.bus) as second,
    ):
        user = new_user()
        visitors = [await first.client(user), await second.client(user)]

        answers = await asyncio.gather(*(make(visitors[i % 2]) for i in range(20)))

        assert {answer.status_code for answer in answers} <= {201, 409}
        assert len({answer.text for answer in answers if answer.status_code == 201}) == 1
        assert await Item.count() == 1


async def test_error_response_is_stored_too(served: RunningService) -> None:
    visitor = await served.client(new_user())

    answers = [await visitor.post("/api/items", json={}, headers=KEY) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [400, 400]
    assert answers[0].json() == answers[1].json()
    assert await idempotency.keys().count_documents({"status": 400}) == 1


async def test_not_found_is_not_stored(served: RunningService) -> None:
    visitor = await served.client(new_user())

    missing = await visitor.put(f"/api/items/{new_id()}", json={"title": "a"}, headers=KEY)

    assert missing.status_code == 404
    assert await idempotency.keys().count_documents({}) == 0


async def test_rerun_transaction_stores_the_last_response(
    served: RunningService, monkeypatch: pytest.MonkeyPatch
) -> None:
    visitor = await served.client(new_user())
    runs = 0
    store = idempotency._Claim.store

    async def store_then_conflict(claim: idempotency._Claim, status: int, body: bytes) -> None:
        nonlocal runs
        runs += 1
        await store(claim, status, body)
        if runs == 1:
            raise OperationFailure("conflict", 112, {"errorLabels": ["TransientTransactionError"]})
        if runs == 2:
            raise BadRequest("The rule that the other's change broke")

    monkeypatch.setattr(idempotency._Claim, "store", store_then_conflict)

    answers = [await make(visitor) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [400, 400]
    assert answers[0].json() == answers[1].json()
    assert await Item.count() == 0


async def test_crash_releases_the_key(served: RunningService) -> None:
    visitor = await served.client(new_user())

    for _ in range(2):
        crashed = await make(visitor, "crash")
        assert crashed.status_code == 500
        assert crashed.json() == {
            "errors": [{"code": "internal_error", "message": "Something went wrong"}]
        }
    assert await Item.count() == 0


async def test_response_is_stored_with_the_commit(
    served: RunningService, monkeypatch: pytest.MonkeyPatch
) -> None:
    visitor = await served.client(new_user())

    def die(*_: str) -> None:
        raise RuntimeError("the process dies right after the commit")

    with monkeypatch.context() as dying:
        dying.setattr(transaction, "notify_committed", die)
        assert (await make(visitor)).status_code == 500

    again = await make(visitor)

    assert again.status_code == 201
    assert await Item.count() == 1


async def test_expired_claim_is_taken_over(
    served: RunningService, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = new_user()
    visitor = await served.client(user)
    claim = idempotency._Claim(f"{user.id}:{KEY['Idempotency-Key']}", "")
    first = await make(visitor)
    await idempotency.keys().update_one(
        {"_id": claim._row_id}, {"$unset": {"status": 1, "body": 1}}
    )
    assert (await make(visitor)).status_code == 409

    monkeypatch.setattr(idempotency, "LEASE", timedelta(0))
    again = await make(visitor)

    assert again.status_code == 201
    assert again.json()["id"] != first.json()["id"]


@pytest.mark.parametrize("key", ["", "a b", "x" * 256])
async def test_malformed_key_is_refused(served: RunningService, key: str) -> None:
    visitor = await served.client(new_user())

    refused = await make(visitor, **{"Idempotency-Key": key})

    assert refused.status_code == 400


async def test_request_without_session_is_refused(served: RunningService) -> None:
    visitor = await served.client()

    assert (await make(visitor)).status_code == 401
    assert await idempotency.keys().count_documents({}) == 0
