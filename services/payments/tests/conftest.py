"""payments, served on real stores beside the stand-in for Stripe, and orders to pay for."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import pytest
from services.payments.tests.signing import WEBHOOK_SECRET

from payments import app
from payments.app import create_app
from payments.domain import documents
from payments.domain.documents import Payment
from payments.handlers import listeners
from payments.jobs import wakeup
from payments.settings import PaymentsSettings
from payments.stripe import client
from payments.stripe.client import Gateway
from ticketing_common import circuit_breaker
from ticketing_common.events import DomainEvent, OrderCancelled, OrderCreated, utc_now
from ticketing_common.web.sessions import SessionUser
from ticketing_dev.stack.processes import stand_ins
from ticketing_dev.stack.processes.ports import free_port
from ticketing_dev.stack.supervision.process import running
from ticketing_testing import RunningService, TestEnvironment, new_event, new_user
from ticketing_testing.standins import StripeStandInClient
from ticketing_testing.timeouts import TIMEOUT_SECONDS

KEY = "sk_test_payments"


@pytest.fixture(scope="session")
def stripe_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running(stand_ins.stripe(free_port(), tmp_path_factory.mktemp("stripe"))) as process:
        yield process.spec.url


@pytest.fixture
async def stripe(stripe_url: str) -> AsyncIterator[StripeStandInClient]:
    """The bank, on a good day."""
    stand_in = StripeStandInClient(stripe_url, {"Authorization": f"Bearer {KEY}"})
    yield stand_in
    await stand_in.reset()


@pytest.fixture
def settings(
    environment: TestEnvironment, stripe: StripeStandInClient, monkeypatch: pytest.MonkeyPatch
) -> dict[str, Any]:
    monkeypatch.setattr(circuit_breaker, "RECOVERY_SECONDS", 0.5)
    # What Stripe answers at all is an answer, however slow the machine is.
    monkeypatch.setattr(client, "SECONDS", TIMEOUT_SECONDS)
    # It would take for itself the bad days that a test orders, and in what others left at Stripe.
    monkeypatch.setattr(app, "keep_reconciling", nobody_reconciles)
    return {
        **environment.settings(),
        "stripe_key": KEY,
        "stripe_webhook_secret": WEBHOOK_SECRET,
        "stripe_api_base": stripe.url,
    }


async def nobody_reconciles(_: Gateway) -> None:
    """In the place of what a service does beside all else."""


@pytest.fixture
async def payments(
    environment: TestEnvironment, settings: dict[str, Any]
) -> AsyncIterator[RunningService]:
    async with environment.serve(create_app(PaymentsSettings(**settings))) as served:
        yield served


@dataclass(frozen=True)
class Purchase:
    """An order, and the browser of whoever may pay for it."""

    order: OrderCreated
    user: SessionUser
    buyer: httpx.AsyncClient

    async def pay(self, token: str = "tok_visa", **headers: str) -> httpx.Response:
        body = {"orderId": self.order.id, "token": token}
        return await self.buyer.post("/api/payments", json=body, headers=headers)

    async def payments(self) -> list[dict[str, Any]]:
        """How the tries to pay stand, the newest first."""
        answer = await self.buyer.get("/api/payments", params={"orderId": self.order.id})
        assert answer.status_code == 200
        tries: list[dict[str, Any]] = answer.json()
        return tries

    async def payment(self) -> Payment:
        """The first of them, as it is kept."""
        payment = await Payment.find_one({"order_id": self.order.id})
        assert payment is not None
        return payment

    async def statuses(self) -> list[str]:
        return [one["status"] for one in await self.payments()]


Buy = Callable[..., Awaitable[Purchase]]


@pytest.fixture
def buy(payments: RunningService) -> Buy:
    """Has payments hear of a new order; takes its event's fields."""

    async def make(**fields: Any) -> Purchase:
        user = new_user()
        order = new_event(OrderCreated, user_id=user.id, **fields)
        await payments.bus.publish(order)
        await payments.bus.wait_until_handled(listeners)
        return Purchase(order, user, await payments.client(user))

    return make


@pytest.fixture
async def purchase(buy: Buy) -> Purchase:
    return await buy()


@pytest.fixture
def charged(stripe: StripeStandInClient) -> Callable[[Purchase], Awaitable[list[int]]]:
    """What Stripe took for an order: the amounts of its successful charges."""

    async def amounts(purchase: Purchase) -> list[int]:
        charges = (await stripe.get("/v1/charges", limit=100))["data"]
        return [
            charge["amount"]
            for charge in charges
            if charge["paid"] and charge["metadata"]["order_id"] == purchase.order.id
        ]

    return amounts


@pytest.fixture
def said(payments: RunningService) -> Callable[..., Awaitable[None]]:
    """Says events, and waits until payments has answered for them."""

    async def say(*events: DomainEvent) -> None:
        await payments.bus.publish(*events)
        await payments.bus.wait_until_handled(listeners)

    return say


@pytest.fixture
async def webhooks(payments: RunningService, stripe: StripeStandInClient) -> None:
    """Have Stripe tell payments what happens."""
    await stripe.set_webhook_endpoint(f"{payments.url}/api/payments/webhook", WEBHOOK_SECRET)


@pytest.fixture
def given_back(stripe: StripeStandInClient) -> Callable[[Purchase], Awaitable[list[int]]]:
    """What Stripe gave back for an order: the amounts of its refunds."""

    async def amounts(purchase: Purchase) -> list[int]:
        refunds = (await stripe.get("/v1/refunds", limit=100))["data"]
        return [
            refund["amount"]
            for refund in refunds
            if refund["metadata"].get("order_id") == purchase.order.id
        ]

    return amounts


@pytest.fixture
def cancel(said: Any) -> Callable[..., Awaitable[None]]:
    """Has payments hear that an order was cancelled."""

    async def say_so(purchase: Purchase, reason: str = "expired", version: int = 1) -> None:
        await said(
            new_event(
                OrderCancelled,
                id=purchase.order.id,
                user_id=purchase.user.id,
                version=version,
                status="cancelled",
                reason=reason,
            )
        )

    return say_so


Later = Callable[[], Awaitable[None]]


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Later:
    """Lets so much time pass that whatever is under way is looked at again, and again."""
    monkeypatch.setattr(wakeup, "SWEEP_SECONDS", 0.1)
    monkeypatch.setattr(documents, "PAUSE", timedelta(seconds=0.1))

    async def pass_time() -> None:
        await Payment.get_pymongo_collection().update_many(
            {"look_at": {"$ne": None}}, {"$set": {"look_at": utc_now()}}
        )

    return pass_time


@pytest.fixture
def too_late() -> Later:
    """Lets so much time pass that whatever is under way has had its time, grace and all."""

    async def pass_time() -> None:
        await Payment.get_pymongo_collection().update_many(
            {"look_at": {"$ne": None}}, {"$set": {"look_at": utc_now(), "pay_by": utc_now()}}
        )

    return pass_time
