"""A running payments service, a stand-in for Stripe, and orders to pay for."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import stripe as stripe_sdk
from services.payments.tests.signing import WEBHOOK_SECRET
from services.payments.tests.stand_in import STRIPE_HEADERS, STRIPE_KEY, run_stripe

from payments.app import create_app
from payments.domain import documents
from payments.domain.documents import Payment
from payments.domain.polling import PAYMENT_DUE
from payments.handlers import listeners
from payments.jobs import reconciliation, settlement
from payments.settings import PaymentsSettings
from payments.stripe import client
from payments.stripe.client import StripeClient
from ticketing_common import circuit_breaker
from ticketing_common.backoff import Backoff
from ticketing_common.events import DomainEvent, OrderCancelled, OrderCreated, utc_now
from ticketing_common.persistence import database
from ticketing_common.web.sessions import SessionUser
from ticketing_testing import RunningService, TestEnvironment, eventually, new_event, new_user
from ticketing_testing.http import NO_KEEPALIVE, NO_TLS
from ticketing_testing.standins import StripeStandInClient
from ticketing_testing.timeouts import TIMEOUT_SECONDS


@pytest.fixture(scope="session")
def stripe_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of the stand-in for Stripe."""
    with run_stripe(tmp_path_factory.mktemp("stripe")) as url:
        yield url


@pytest.fixture
async def stripe(stripe_url: str) -> AsyncIterator[StripeStandInClient]:
    """The stand-in for Stripe, without faults."""
    stand_in = StripeStandInClient(stripe_url, STRIPE_HEADERS)
    yield stand_in
    await stand_in.reset()


@pytest.fixture
async def stripe_api(stripe_url: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client of Stripe's API, for changes that do not come from payments."""
    async with httpx.AsyncClient(
        base_url=stripe_url,
        headers=STRIPE_HEADERS,
        timeout=TIMEOUT_SECONDS,
        limits=NO_KEEPALIVE,
        verify=NO_TLS,
    ) as http:
        yield http


@pytest.fixture
def settings(
    environment: TestEnvironment, stripe: StripeStandInClient, monkeypatch: pytest.MonkeyPatch
) -> dict[str, Any]:
    """The settings of payments. Its waits are short, and it does not reconcile by itself."""
    monkeypatch.setattr(circuit_breaker, "RECOVERY_SECONDS", 0.5)
    # Before its one retry, Stripe's SDK sleeps for half a second.
    monkeypatch.setattr(stripe_sdk.HTTPClient, "INITIAL_DELAY", 0.01)
    # A slow machine must not turn a slow response into an unknown one.
    monkeypatch.setattr(client, "TIMEOUT_SECONDS", TIMEOUT_SECONDS)
    # Reconciliation would use up a test's faults, and process events of other tests.
    monkeypatch.setattr(reconciliation, "run", _no_reconciliation)
    return {
        **environment.settings(),
        "stripe_key": STRIPE_KEY,
        "stripe_webhook_secret": WEBHOOK_SECRET,
        "stripe_api_base": stripe.url,
    }


async def _no_reconciliation(_: StripeClient) -> None:
    return


@pytest.fixture
async def payments(
    environment: TestEnvironment, settings: dict[str, Any]
) -> AsyncIterator[RunningService]:
    """The running service."""
    async with environment.serve(create_app(PaymentsSettings(**settings))) as service:
        yield service


@dataclass(frozen=True)
class Purchase:
    """An order, and a client that is signed in as its buyer."""

    order: OrderCreated
    user: SessionUser
    buyer: httpx.AsyncClient

    async def pay(self, token: str = "tok_visa", **headers: str) -> httpx.Response:
        """Pay for the order."""
        body = {"orderId": self.order.id, "token": token}
        return await self.buyer.post("/api/payments", json=body, headers=headers)

    async def payments(self) -> list[dict[str, Any]]:
        """Return the attempts to pay as the API shows them, the newest first."""
        response = await self.buyer.get("/api/payments", params={"orderId": self.order.id})
        assert response.status_code == 200
        attempts: list[dict[str, Any]] = response.json()
        return attempts

    async def payment(self) -> Payment:
        """Return the first attempt as it is stored."""
        payment = await Payment.find_one({"order_id": self.order.id})
        assert payment is not None
        return payment

    async def statuses(self) -> list[str]:
        """Return the statuses of the attempts, the newest first."""
        return [attempt["status"] for attempt in await self.payments()]


Buy = Callable[..., Awaitable[Purchase]]
Amounts = Callable[[Purchase], Awaitable[list[int]]]
Action = Callable[[], Awaitable[None]]


@pytest.fixture
def buy(payments: RunningService) -> Buy:
    """A function that places an order. Its arguments are fields of OrderCreated."""

    async def place(**fields: Any) -> Purchase:
        user = new_user()
        order = new_event(OrderCreated, user_id=user.id, **fields)
        await payments.bus.publish(order)
        await payments.bus.wait_until_handled(listeners)
        return Purchase(order, user, await payments.client(user))

    return place


@pytest.fixture
async def purchase(buy: Buy) -> Purchase:
    """An order of 25 usd that is not paid."""
    return await buy()


@pytest.fixture
def charged_amounts(stripe: StripeStandInClient) -> Amounts:
    """A function that returns the amounts of an order's successful charges at Stripe."""

    async def amounts(purchase: Purchase) -> list[int]:
        charges = (await stripe.get("/v1/charges", limit=100))["data"]
        return [
            charge["amount"]
            for charge in charges
            if charge["paid"] and charge["metadata"]["order_id"] == purchase.order.id
        ]

    return amounts


@pytest.fixture
def refunded_amounts(stripe: StripeStandInClient) -> Amounts:
    """A function that returns the amounts of an order's refunds at Stripe."""

    async def amounts(purchase: Purchase) -> list[int]:
        refunds = (await stripe.get("/v1/refunds", limit=100))["data"]
        return [
            refund["amount"]
            for refund in refunds
            if refund["metadata"].get("order_id") == purchase.order.id
        ]

    return amounts


@pytest.fixture
def publish(payments: RunningService) -> Callable[..., Awaitable[None]]:
    """A function that publishes events and waits until payments has handled them."""

    async def publish_and_wait(*events: DomainEvent) -> None:
        await payments.bus.publish(*events)
        await payments.bus.wait_until_handled(listeners)

    return publish_and_wait


@pytest.fixture
async def webhooks(payments: RunningService, stripe: StripeStandInClient) -> None:
    """Stripe delivers its webhooks to payments."""
    await stripe.set_webhook_endpoint(f"{payments.url}/api/payments/webhook", WEBHOOK_SECRET)


@pytest.fixture
def wait_until_delivered(stripe: StripeStandInClient) -> Action:
    """A function that waits until Stripe has delivered all its webhooks."""

    async def has_no_pending() -> bool:
        return await stripe.deliveries(state="pending") == []

    async def wait() -> None:
        await eventually(has_no_pending)

    return wait


@pytest.fixture
def cancel_order(publish: Any) -> Callable[..., Awaitable[None]]:
    """A function that publishes OrderCancelled for a purchase."""

    async def cancel(purchase: Purchase, reason: str = "expired", version: int = 1) -> None:
        await publish(
            new_event(
                OrderCancelled,
                id=purchase.order.id,
                user_id=purchase.user.id,
                version=version,
                status="cancelled",
                reason=reason,
            )
        )

    return cancel


@pytest.fixture
def short_backoff(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sweeps and polls follow one another quickly once the next sweep has begun."""
    backoff = Backoff(first=0.05, longest=0.1)
    monkeypatch.setattr(settlement, "SWEEP_SECONDS", 0.05)
    monkeypatch.setattr(documents, "POLL_BACKOFF", backoff)
    monkeypatch.setattr(settlement, "POLL_BACKOFF", backoff)


@pytest.fixture
def poll_payments(short_backoff: None) -> Action:
    """A function that makes all payments due now, and lets sweeps follow one another quickly."""

    async def make_due() -> None:
        await _change_polled({"next_poll_at": utc_now()})

    return make_due


@pytest.fixture
def end_payment_time() -> Action:
    """A function that ends the time of all payments, and makes them due now."""

    async def end() -> None:
        await _change_polled({"next_poll_at": utc_now(), "pay_by": utc_now()})

    return end


async def _change_polled(changes: dict[str, Any]) -> None:
    """Change all payments with a next poll, and wake the settlement job."""
    payments = Payment.get_pymongo_collection()
    async for payment in payments.find({"next_poll_at": {"$ne": None}}, {"_id": 1}):
        await payments.update_one(payment, {"$set": changes})
    database.notify_committed(PAYMENT_DUE, "")
