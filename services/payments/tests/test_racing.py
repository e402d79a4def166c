"""Many payments for one order at once: one charge is made."""

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import pytest
from services.payments.tests.transactions import held_open

from payments.stripe.client import Gateway
from ticketing_common.events import PaymentCreated
from ticketing_common.web.sessions import COOKIE, Sessions
from ticketing_dev.stack.processes import services
from ticketing_dev.stack.processes.ports import free_port
from ticketing_testing import RunningService, TestEnvironment
from ticketing_testing.processes import environment_variables, run_process
from ticketing_testing.standins import StandInClient
from ticketing_testing.timeouts import TIMEOUT_SECONDS

MANY = 12


def statuses(answers: list[httpx.Response]) -> Counter[int]:
    return Counter(answer.status_code for answer in answers)


async def test_many_payments_at_once_make_one_charge(
    payments: RunningService, purchase: Any, charged: Any
) -> None:
    answers = await asyncio.gather(*(purchase.pay() for _ in range(MANY)))

    assert statuses(answers)[201] == 1
    assert statuses(answers).keys() <= {201, 400, 409}
    assert await charged(purchase) == [2500]
    assert len(await payments.bus.published(PaymentCreated)) == 1


async def test_while_a_payment_is_under_way_another_is_a_409(
    purchase: Any, charged: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with held_open(monkeypatch, Gateway, "create") as there:
        first = asyncio.create_task(purchase.pay())
        await asyncio.wait_for(there.wait(), TIMEOUT_SECONDS)

        second = await purchase.pay("tok_mastercard")

    assert second.status_code == 409
    assert "under way" in second.json()["errors"][0]["message"]
    assert (await first).status_code == 201
    assert await charged(purchase) == [2500]


async def test_two_replicas_that_race_make_one_charge_an_order(
    environment: TestEnvironment,
    settings: dict[str, Any],
    payments: RunningService,
    buy: Any,
    charged: Any,
    tmp_path: Path,
) -> None:
    part = services.service("payments", free_port(), tmp_path, environment_variables(settings))
    purchases = [await buy() for _ in range(5)]
    sessions = Sessions([settings["jwt_key"]])

    async def pay_there(client: httpx.AsyncClient, purchase: Any) -> httpx.Response:
        body = {"orderId": purchase.order.id, "token": "tok_visa"}
        cookie = {"Cookie": f"{COOKIE}={sessions.issue(purchase.user)}"}
        return await client.post("/api/payments", json=body, headers=cookie)

    async with (
        run_process(part),
        httpx.AsyncClient(base_url=part.url, timeout=TIMEOUT_SECONDS) as other,
    ):
        for purchase in purchases:
            answers = await asyncio.gather(
                *(pay for _ in range(3) for pay in (purchase.pay(), pay_there(other, purchase)))
            )
            assert statuses(list(answers))[201] == 1

    for purchase in purchases:
        assert await charged(purchase) == [2500]
    assert len(await payments.bus.published(PaymentCreated, 5)) == 5


async def test_a_payment_that_is_sent_again_is_answered_again(purchase: Any, charged: Any) -> None:
    key = {"Idempotency-Key": "one"}

    first, second = await purchase.pay(**key), await purchase.pay(**key)

    assert (second.status_code, second.json()) == (first.status_code, first.json())
    assert first.status_code == 201
    assert await charged(purchase) == [2500]


async def test_a_decline_that_is_sent_again_is_a_decline_until_the_key_is_new(
    purchase: Any, charged: Any
) -> None:
    for _ in range(2):
        answer = await purchase.pay("tok_chargeDeclined", **{"Idempotency-Key": "one"})
        assert answer.status_code == 402
    assert (await purchase.pay(**{"Idempotency-Key": "two"})).status_code == 201
    assert await charged(purchase) == [2500]


async def test_a_key_that_comes_with_another_card_is_a_400(purchase: Any, charged: Any) -> None:
    await purchase.pay(**{"Idempotency-Key": "one"})
    answer = await purchase.pay("tok_mastercard", **{"Idempotency-Key": "one"})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "Idempotency-Key"
    assert await charged(purchase) == [2500]


async def test_a_payment_that_got_no_answer_is_looked_up_when_it_is_sent_again(
    purchase: Any, stripe: StandInClient, charged: Any
) -> None:
    """Not the 503 is what its repetition should hear, but how things stand by then."""
    key = {"Idempotency-Key": "one"}
    confirming = {"path": "/v1/payment_intents/", "method": "POST"}
    await stripe.add_fault("drop", when="after", times=2, **confirming)
    assert (await purchase.pay(**key)).status_code == 503

    again = await purchase.pay(**key)

    assert again.status_code == 201
    assert again.json()["orderId"] == purchase.order.id
    assert await charged(purchase) == [2500]


async def test_while_stripe_is_away_another_payment_is_a_409(
    purchase: Any, stripe: StandInClient
) -> None:
    await stripe.add_fault("drop", times=100)
    first, second = await purchase.pay(), await purchase.pay("tok_mastercard")
    assert (first.status_code, second.status_code) == (503, 409)
