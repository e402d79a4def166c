"""Attempts: concurrent and repeated payments for one order make one charge."""

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import pytest
from services.payments.tests.interleaving import pause_after
from services.payments.tests.responses import error_of

from payments.stripe.client import StripeClient
from ticketing_common.events import PaymentCreated
from ticketing_common.web.sessions import SECURE_COOKIE
from ticketing_dev.stack.processes import services
from ticketing_dev.stack.processes.ports import free_port
from ticketing_testing import RunningService, TestEnvironment, session_token
from ticketing_testing.processes import environment_variables, run_process
from ticketing_testing.standins import StandInClient
from ticketing_testing.timeouts import TIMEOUT_SECONDS

REQUESTS = 12


def statuses(responses: list[httpx.Response]) -> Counter[int]:
    return Counter(response.status_code for response in responses)


async def test_attempts_make_one_charge_for_concurrent_requests(
    payments: RunningService, purchase: Any, charged_amounts: Any
) -> None:
    responses = await asyncio.gather(*(purchase.pay() for _ in range(REQUESTS)))

    assert statuses(responses)[201] == 1
    assert statuses(responses).keys() <= {201, 400, 409}
    assert await charged_amounts(purchase) == [2500]
    assert len(await payments.bus.published(PaymentCreated)) == 1


async def test_attempts_refuse_a_payment_while_another_is_in_progress(
    purchase: Any, charged_amounts: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with pause_after(monkeypatch, StripeClient, "create_intent") as paused:
        first = asyncio.create_task(purchase.pay())
        await asyncio.wait_for(paused.wait(), TIMEOUT_SECONDS)

        second = await purchase.pay("tok_mastercard")

    status, code, message = error_of(second)
    assert (status, code) == (409, "payment_in_progress")
    assert "in progress" in message
    assert (await first).status_code == 201
    assert await charged_amounts(purchase) == [2500]


async def test_attempts_make_one_charge_per_order_in_two_processes(
    environment: TestEnvironment,
    settings: dict[str, Any],
    payments: RunningService,
    buy: Any,
    charged_amounts: Any,
    tmp_path: Path,
) -> None:
    replica = services.service("payments", free_port(), tmp_path, environment_variables(settings))
    purchases = [await buy() for _ in range(5)]

    async def pay_at_replica(client: httpx.AsyncClient, purchase: Any) -> httpx.Response:
        body = {"orderId": purchase.order.id, "token": "tok_visa"}
        cookie = {"Cookie": f"{SECURE_COOKIE}={session_token(purchase.user)}"}
        return await client.post("/api/payments", json=body, headers=cookie)

    async with (
        run_process(replica),
        httpx.AsyncClient(base_url=replica.url, timeout=TIMEOUT_SECONDS) as client,
    ):
        for purchase in purchases:
            responses = await asyncio.gather(
                *(
                    pay
                    for _ in range(3)
                    for pay in (purchase.pay(), pay_at_replica(client, purchase))
                )
            )
            assert statuses(list(responses))[201] == 1

    for purchase in purchases:
        assert await charged_amounts(purchase) == [2500]
    assert len(await payments.bus.published(PaymentCreated, 5)) == 5


async def test_attempts_repeat_the_response_of_the_same_key(
    purchase: Any, charged_amounts: Any
) -> None:
    key = {"Idempotency-Key": "one"}

    first, second = await purchase.pay(**key), await purchase.pay(**key)

    assert (second.status_code, second.json()) == (first.status_code, first.json())
    assert first.status_code == 201
    assert await charged_amounts(purchase) == [2500]


async def test_attempts_repeat_a_decline_until_the_key_is_new(
    purchase: Any, charged_amounts: Any
) -> None:
    for _ in range(2):
        response = await purchase.pay("tok_chargeDeclined", **{"Idempotency-Key": "one"})
        assert error_of(response)[:2] == (402, "payment_declined")
    assert (await purchase.pay(**{"Idempotency-Key": "two"})).status_code == 201
    assert await charged_amounts(purchase) == [2500]


async def test_attempts_refuse_a_key_with_another_card(purchase: Any, charged_amounts: Any) -> None:
    await purchase.pay(**{"Idempotency-Key": "one"})
    response = await purchase.pay("tok_mastercard", **{"Idempotency-Key": "one"})
    assert error_of(response)[:2] == (400, "idempotency_key_reused")
    assert response.json()["errors"][0]["field"] == "Idempotency-Key"
    assert await charged_amounts(purchase) == [2500]


async def test_attempts_settle_an_unknown_payment_when_its_request_is_repeated(
    purchase: Any, stripe: StandInClient, charged_amounts: Any
) -> None:
    """The repetition gets the present state, not the stored 503."""
    key = {"Idempotency-Key": "one"}
    confirmation = {"path": "/v1/payment_intents/", "method": "POST"}
    await stripe.add_fault("drop", when="after", times=2, **confirmation)
    assert error_of(await purchase.pay(**key))[:2] == (503, "payment_unknown")

    repeated = await purchase.pay(**key)

    assert repeated.status_code == 201
    assert repeated.json()["orderId"] == purchase.order.id
    assert await charged_amounts(purchase) == [2500]


async def test_attempts_refuse_a_second_payment_while_the_first_is_unknown(
    purchase: Any, stripe: StandInClient
) -> None:
    await stripe.add_fault("drop", times=100)
    first, second = await purchase.pay(), await purchase.pay("tok_mastercard")
    assert error_of(first)[:2] == (503, "payment_unknown")
    assert error_of(second)[:2] == (409, "payment_in_progress")
