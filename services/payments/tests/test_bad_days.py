"""Stripe is away, slow or silent, or we are: the charge is found, and told once."""

import asyncio
from pathlib import Path
from time import monotonic
from typing import Any

import circuitbreaker
import httpx
import pytest
from services.payments.tests.transactions import held_open

from payments.app import create_app
from payments.domain.documents import Payment
from payments.handlers import listeners
from payments.settings import PaymentsSettings
from payments.stripe.client import Gateway
from ticketing_common import circuit_breaker
from ticketing_common.events import OrderCreated, PaymentCreated, PaymentFailed, PaymentStarted
from ticketing_common.web.sessions import COOKIE, Sessions
from ticketing_dev.stack.processes import services, stand_ins
from ticketing_dev.stack.processes.ports import free_port
from ticketing_testing import Bus, RunningService, TestEnvironment, eventually, new_event, new_user
from ticketing_testing.processes import environment_variables, run_process
from ticketing_testing.standins import StandInClient
from ticketing_testing.timeouts import TIMEOUT_SECONDS

NO_ANSWER = "The bank has not answered yet. Do not pay again: look at your order in a minute"


CONFIRMING = {"path": "/v1/payment_intents/", "method": "POST"}
"""The call that charges."""
ASKING = {"path": "/v1/payment_intents", "method": "POST"}
"""The call that makes what is to be charged, or that one."""


def assert_unanswered(answer: httpx.Response) -> None:
    assert answer.status_code == 503
    assert answer.json() == {"errors": [{"message": NO_ANSWER}]}
    assert int(answer.headers["Retry-After"]) > 0


async def all_ended() -> bool:
    return await Payment.find({"status": "started"}).count() == 0


async def test_the_answer_that_was_lost_after_the_charge_is_found(
    payments: RunningService, purchase: Any, stripe: StandInClient, charged: Any, later: Any
) -> None:
    await stripe.add_fault("drop", when="after", times=2, **CONFIRMING)

    assert_unanswered(await purchase.pay())
    assert await charged(purchase) == [2500]
    assert await payments.bus.published(PaymentCreated, 0) == []
    await later()

    (created,) = await payments.bus.published(PaymentCreated)
    assert created.order_id == purchase.order.id
    assert await charged(purchase) == [2500]
    (payment,) = await Payment.find_all().to_list()
    assert (payment.token, payment.stripe_id) == (None, created.stripe_id)
    assert (await purchase.pay()).json()["errors"][0]["message"] == "The order is paid already"


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "drop"},
        {"kind": "error", "status": 500},
        {"kind": "error", "status": 503, "when": "after", **CONFIRMING},
        {"kind": "error", "status": 429},
        {"kind": "error", "status": 401},
    ],
    ids=str,
)
async def test_whatever_stripe_says_on_a_bad_day_one_charge_is_made_in_the_end(
    payments: RunningService,
    purchase: Any,
    stripe: StandInClient,
    charged: Any,
    later: Any,
    fault: dict[str, Any],
) -> None:
    await stripe.add_fault(**fault, times=4)

    assert_unanswered(await purchase.pay())
    await later()
    await payments.bus.published(PaymentCreated)
    await eventually(all_ended)

    assert await charged(purchase) == [2500]
    assert len(await payments.bus.published(PaymentCreated)) == 1
    assert len(await payments.bus.published(PaymentStarted)) == 1


async def test_a_card_that_is_declined_only_later_can_be_replaced(
    payments: RunningService, purchase: Any, stripe: StandInClient, charged: Any, later: Any
) -> None:
    await stripe.add_fault("drop", times=2)
    assert_unanswered(await purchase.pay("tok_chargeDeclined"))
    await later()
    await payments.bus.published(PaymentFailed)

    assert (await purchase.pay("tok_visa")).status_code == 201
    assert await charged(purchase) == [2500]


async def test_a_failure_that_stripe_keeps_under_the_key_does_not_hold_the_order_for_ever(
    payments: RunningService, purchase: Any, stripe: StandInClient, charged: Any
) -> None:
    """Stripe gives the 500 again for the same key, for a day: only another key may be charged."""
    await stripe.add_fault("error", status=500, when="during")

    answer = await purchase.pay()

    assert answer.status_code == 402
    assert len(await payments.bus.published(PaymentFailed)) == 1
    assert (await purchase.pay()).status_code == 201
    assert await charged(purchase) == [2500]


async def test_a_failure_that_stripe_keeps_while_charging_is_asked_for_under_another_key(
    payments: RunningService, purchase: Any, stripe: StandInClient, charged: Any, later: Any
) -> None:
    await stripe.add_fault("error", status=500, when="during", **CONFIRMING)

    assert_unanswered(await purchase.pay())
    await later()

    await payments.bus.published(PaymentCreated)
    assert await charged(purchase) == [2500]


async def test_a_payment_that_stripe_never_heard_of_is_not_made_when_its_time_is_over(
    payments: RunningService,
    purchase: Any,
    stripe: StandInClient,
    charged: Any,
    later: Any,
    too_late: Any,
) -> None:
    await stripe.add_fault("drop", times=2)
    assert_unanswered(await purchase.pay())
    await too_late()

    await payments.bus.published(PaymentFailed)

    assert await charged(purchase) == []


async def test_a_payment_that_was_never_confirmed_is_cancelled_at_stripe_when_its_time_is_over(
    payments: RunningService,
    purchase: Any,
    stripe: StandInClient,
    charged: Any,
    later: Any,
    too_late: Any,
) -> None:
    await stripe.add_fault("drop", times=2, **CONFIRMING)
    assert_unanswered(await purchase.pay())
    await too_late()

    await payments.bus.published(PaymentFailed)

    (payment,) = await Payment.find_all().to_list()
    assert (await stripe.get(f"/v1/payment_intents/{payment.stripe_id}"))["status"] == "canceled"
    assert await charged(purchase) == []


async def test_a_charge_whose_answer_was_lost_for_days_is_found_and_kept(
    payments: RunningService,
    purchase: Any,
    stripe: StandInClient,
    charged: Any,
    later: Any,
    too_late: Any,
) -> None:
    """The order can still be had: nobody cancels one whose payment is under way."""
    await stripe.add_fault("drop", when="after", times=2, **CONFIRMING)
    assert_unanswered(await purchase.pay())
    await too_late()

    (created,) = await payments.bus.published(PaymentCreated)

    assert created.order_id == purchase.order.id
    assert await charged(purchase) == [2500]


async def test_a_slow_answer_is_waited_for_whoever_else_asks_meanwhile(
    payments: RunningService,
    purchase: Any,
    charged: Any,
    later: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A sweep finds the payment due meanwhile, so that both hear of the one charge."""
    async with held_open(monkeypatch, Gateway, "confirm") as there:
        paying = asyncio.create_task(purchase.pay())
        await asyncio.wait_for(there.wait(), TIMEOUT_SECONDS)
        await later()
        await eventually(all_ended)

    assert (await paying).status_code == 201
    assert await charged(purchase) == [2500]
    assert len(await payments.bus.published(PaymentCreated)) == 1


async def test_what_was_to_be_paid_while_stripe_was_down_is_paid_when_it_is_back(
    environment: TestEnvironment, settings: dict[str, Any], later: Any, tmp_path: Path
) -> None:
    bank = stand_ins.stripe(free_port(), tmp_path)
    settings = {**settings, "stripe_api_base": bank.url}
    user = new_user()
    order = new_event(OrderCreated, user_id=user.id)
    async with environment.serve(create_app(PaymentsSettings(**settings))) as payments:
        await payments.bus.publish(order)
        await payments.bus.wait_until_handled(listeners)
        buyer = await payments.client(user)
        body = {"orderId": order.id, "token": "tok_visa"}

        assert_unanswered(await buyer.post("/api/payments", json=body))
        assert (await buyer.get("/readyz")).status_code == 200
        await later()

        async with run_process(bank):
            (created,) = await payments.bus.published(PaymentCreated)
            stand_in = StandInClient(
                bank.url, {"Authorization": f"Bearer {settings['stripe_key']}"}
            )
            (charge,) = (await stand_in.get("/v1/charges"))["data"]
    assert (created.order_id, charge["payment_intent"]) == (order.id, created.stripe_id)


async def kill_while_charging(
    environment: TestEnvironment,
    settings: dict[str, Any],
    stripe: StandInClient,
    folder: Path,
    when: str,
    at: Any,
) -> OrderCreated:
    """Kill payments with a charge in flight; returns the order that it was for."""
    user = new_user()
    order = new_event(OrderCreated, user_id=user.id)
    part = services.service("payments", free_port(), folder, environment_variables(settings))
    cookie = {COOKIE: Sessions([settings["jwt_key"]]).issue(user)}
    async with (
        Bus.open(environment.nats_url) as bus,
        run_process(part) as process,
        httpx.AsyncClient(base_url=part.url, cookies=cookie, timeout=TIMEOUT_SECONDS) as buyer,
    ):
        await bus.publish(order)
        await bus.wait_until_handled(listeners)
        await stripe.add_fault("delay", seconds=5, when=when, **at)
        body = {"orderId": order.id, "token": "tok_visa"}
        paying = asyncio.create_task(buyer.post("/api/payments", json=body))
        await eventually(stripe.all_faults_used)
        process.kill()
        with pytest.raises(httpx.TransportError):
            await paying
    return order


@pytest.mark.parametrize("at", [ASKING, CONFIRMING], ids=["creating", "confirming"])
@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_payment_that_a_crash_left_behind_is_settled_by_the_next_process(
    environment: TestEnvironment,
    settings: dict[str, Any],
    stripe: StandInClient,
    later: Any,
    tmp_path: Path,
    when: str,
    at: Any,
) -> None:
    order = await kill_while_charging(environment, settings, stripe, tmp_path, when, at)
    async with environment.serve(create_app(PaymentsSettings(**settings))) as payments:
        await later()
        (created,) = await payments.bus.published(PaymentCreated)
        await eventually(all_ended)
        assert len(await payments.bus.published(PaymentStarted)) == 1

    charges = (await stripe.get("/v1/charges", limit=100))["data"]
    made = [one for one in charges if one["metadata"]["order_id"] == order.id]
    assert [one["payment_intent"] for one in made] == [created.stripe_id]


async def test_while_stripe_fails_again_and_again_no_payment_begins_until_it_is_back(
    payments: RunningService,
    buy: Any,
    stripe: StandInClient,
    charged: Any,
    later: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    unlucky = [await buy() for _ in range(circuit_breaker.FAILURES)]
    buyer = await buy()
    await stripe.add_fault("drop", times=1000)
    with monkeypatch.context() as meanwhile:
        now = monotonic()
        meanwhile.setattr(circuitbreaker, "monotonic", lambda: now)  # the pause is not over
        for one in unlucky:
            assert_unanswered(await one.pay())

        refused = await buyer.pay()

    assert refused.status_code == 503
    assert refused.json() == {
        "errors": [{"message": "Stripe is not available right now, try again soon"}]
    }
    assert int(refused.headers["Retry-After"]) > 0
    assert await buyer.payments() == []
    await stripe.reset()

    async def paid() -> bool:
        answer: httpx.Response = await buyer.pay()
        return answer.status_code == 201

    await eventually(paid)
    await later()
    await payments.bus.published(PaymentCreated, len(unlucky) + 1)
    assert [await charged(one) for one in [*unlucky, buyer]] == [[2500]] * (len(unlucky) + 1)
