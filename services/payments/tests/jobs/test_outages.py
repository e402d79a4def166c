"""Outages of Stripe and crashes of payments: every payment is settled afterwards."""

import asyncio
from pathlib import Path
from time import monotonic
from typing import Any

import circuitbreaker
import httpx
import pytest
from services.payments.tests.responses import assert_payment_unknown, error_of
from services.payments.tests.stand_in import STRIPE_HEADERS

from payments.app import create_app
from payments.domain.documents import Payment
from payments.handlers import listeners
from payments.settings import PaymentsSettings
from ticketing_common import circuit_breaker
from ticketing_common.events import OrderCreated, PaymentCreated, PaymentStarted
from ticketing_dev.stack.processes import services
from ticketing_dev.stack.processes.ports import free_port
from ticketing_dev.stack.processes.stripe_stand_in import stripe_stand_in
from ticketing_testing import (
    Bus,
    RunningService,
    TestEnvironment,
    eventually,
    new_event,
    new_user,
    session_cookies,
)
from ticketing_testing.processes import environment_variables, run_process
from ticketing_testing.standins import StandInClient
from ticketing_testing.timeouts import TIMEOUT_SECONDS

CREATION = {"path": "/v1/payment_intents", "method": "POST"}
CONFIRMATION = {"path": "/v1/payment_intents/", "method": "POST"}
"""The call that charges."""
IN_FLIGHT_SECONDS = 2
"""How long the stand-in delays a call: the process must be killed in this time."""


async def no_payment_started() -> bool:
    return await Payment.find({"status": "started"}).count() == 0


async def test_outage_of_stripe_delays_a_payment_until_it_is_available(
    environment: TestEnvironment, settings: dict[str, Any], poll_payments: Any, tmp_path: Path
) -> None:
    stand_in = stripe_stand_in(free_port(), tmp_path)
    settings = {**settings, "stripe_api_base": stand_in.url}
    user = new_user()
    order = new_event(OrderCreated, user_id=user.id)
    async with environment.serve(create_app(PaymentsSettings(**settings))) as payments:
        await payments.bus.publish(order)
        await payments.bus.wait_until_handled(listeners)
        buyer = await payments.client(user)
        body = {"orderId": order.id, "token": "tok_visa"}

        assert_payment_unknown(await buyer.post("/api/payments", json=body))
        assert (await buyer.get("/readyz")).status_code == 200
        await poll_payments()

        async with run_process(stand_in):
            (created,) = await payments.bus.published(PaymentCreated)
            stripe = StandInClient(stand_in.url, STRIPE_HEADERS)
            (charge,) = (await stripe.get("/v1/charges"))["data"]
    assert (created.order_id, charge["payment_intent"]) == (order.id, created.stripe_id)


async def test_outage_of_stripe_opens_the_circuit_and_no_payment_begins_until_it_closes(
    payments: RunningService,
    buy: Any,
    stripe: StandInClient,
    charged_amounts: Any,
    poll_payments: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    failing = [await buy() for _ in range(circuit_breaker.FAILURE_THRESHOLD)]
    purchase = await buy()
    await stripe.add_fault("drop", times=1000)
    with monkeypatch.context() as frozen:
        now = monotonic()
        frozen.setattr(circuitbreaker, "monotonic", lambda: now)  # the circuit stays open
        for other in failing:
            assert_payment_unknown(await other.pay())

        refused = await purchase.pay()

    assert error_of(refused) == (
        503,
        "dependency_unavailable",
        "Stripe is not available right now. Try again soon.",
    )
    assert int(refused.headers["Retry-After"]) > 0
    assert await purchase.payments() == []
    await stripe.reset()

    async def is_paid() -> bool:
        response: httpx.Response = await purchase.pay()
        return response.status_code == 201

    await eventually(is_paid)
    await poll_payments()
    await payments.bus.published(PaymentCreated, len(failing) + 1)
    charges = [await charged_amounts(each) for each in [*failing, purchase]]
    assert charges == [[2500]] * (len(failing) + 1)


async def kill_during_charge(
    environment: TestEnvironment,
    settings: dict[str, Any],
    stripe: StandInClient,
    folder: Path,
    when: str,
    call: dict[str, str],
) -> OrderCreated:
    """Kill payments during a call to Stripe. Returns the order that the call was for."""
    user = new_user()
    order = new_event(OrderCreated, user_id=user.id)
    service = services.service("payments", free_port(), folder, environment_variables(settings))
    cookie = session_cookies(user)
    async with (
        Bus.open(environment.nats_url, "payments") as bus,
        run_process(service) as process,
        httpx.AsyncClient(base_url=service.url, cookies=cookie, timeout=TIMEOUT_SECONDS) as buyer,
    ):
        await bus.publish(order)
        await bus.wait_until_handled(listeners)
        await stripe.add_fault("delay", seconds=IN_FLIGHT_SECONDS, when=when, **call)
        body = {"orderId": order.id, "token": "tok_visa"}
        paying = asyncio.create_task(buyer.post("/api/payments", json=body))
        await eventually(stripe.all_faults_used)
        process.kill()
        with pytest.raises(httpx.TransportError):
            await paying
    return order


@pytest.mark.parametrize("call", [CREATION, CONFIRMATION], ids=["creation", "confirmation"])
@pytest.mark.parametrize("when", ["before", "after"])
async def test_crash_during_a_charge_is_settled_by_the_next_process(
    environment: TestEnvironment,
    settings: dict[str, Any],
    stripe: StandInClient,
    poll_payments: Any,
    tmp_path: Path,
    when: str,
    call: dict[str, str],
) -> None:
    order = await kill_during_charge(environment, settings, stripe, tmp_path, when, call)
    async with environment.serve(create_app(PaymentsSettings(**settings))) as payments:
        await poll_payments()
        (created,) = await payments.bus.published(PaymentCreated)
        await eventually(no_payment_started)
        assert len(await payments.bus.published(PaymentStarted)) == 1

    charges = (await stripe.get("/v1/charges", limit=100))["data"]
    charged = [charge for charge in charges if charge["metadata"]["order_id"] == order.id]
    assert [charge["payment_intent"] for charge in charged] == [created.stripe_id]
