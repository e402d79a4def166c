"""What an audit can mend, mended: by the services themselves, which hear what they have missed."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from bson import ObjectId
from fastapi import FastAPI
from ops.tests.audit import faults
from ops.tests.audit.conftest import Look_at, told
from ops.tests.audit.shop import Shop

import contact.app
import expiration.app
import orders.app
import payments.app
import tickets.app
from contact.settings import ContactSettings
from expiration.settings import ExpirationSettings
from orders.settings import OrdersSettings
from payments.settings import PaymentsSettings
from ticketing_common.events import PaymentCreated, PaymentMissed
from ticketing_common.messaging.replay import REPLAY_STREAM
from ticketing_ops.audit import messages
from ticketing_ops.audit.addresses import Addresses
from ticketing_ops.audit.mending import Mender, repairs_of
from ticketing_ops.audit.repairs import Repair, Resend, ResendOne
from ticketing_ops.audit.stores import opened
from ticketing_testing import Bus, World, eventually, serving
from tickets.settings import TicketsSettings

Mend = Callable[[Sequence[Repair]], Awaitable[list[str]]]


@pytest.fixture
def mend(addresses: Addresses) -> Mend:
    """Does repairs; what was said of them."""

    async def do(repairs: Sequence[Repair]) -> list[str]:
        said: list[str] = []
        async with opened(addresses) as stores:
            await Mender(stores, addresses, said.append).mend(repairs)
        return said

    return do


@asynccontextmanager
async def running(service: str, addresses: Addresses, world: World) -> AsyncIterator[None]:
    """One of the services, on its own database."""
    uri = addresses.mongo_uri(service) if service != "expiration" else world.mongo_uri
    settings: dict[str, Any] = world.settings() | {
        "mongo_uri": uri,
        "stripe_key": addresses.stripe_key,
        "stripe_webhook_secret": "whsec_1",
        "stripe_api_base": addresses.stripe_api_base,
        "sendgrid_key": "SG.1",
        "sendgrid_email": "tickets@example.com",
        "sendgrid_api_base": "http://127.0.0.1:9",
        "public_url": "http://localhost",
    }
    apps: dict[str, Callable[[], FastAPI]] = {
        "contact": lambda: contact.app.create_app(ContactSettings(**settings)),
        "expiration": lambda: expiration.app.create_app(ExpirationSettings(**settings)),
        "orders": lambda: orders.app.create_app(OrdersSettings(**settings)),
        "payments": lambda: payments.app.create_app(PaymentsSettings(**settings)),
        "tickets": lambda: tickets.app.create_app(TicketsSettings(**settings)),
    }
    async with Bus.open(world.nats_url) as bus, serving(apps[service](), bus):
        yield


async def forget(shop: Shop, service: str, stream: str, document: str) -> None:
    """Have a service never have heard of a document."""
    async for batch in messages.batches(shop.js, stream):
        for message in batch:
            if messages.fields(message)["id"] == document:
                await shop.forget(service, messages.event_id(message))


async def a_ticket_that_never_heard_of_a_cancellation(shop: Shop) -> None:
    await faults.a_ticket_that_was_never_let_go(shop)
    await shop.change("tickets", "holds", shop.cancelled, state="held")
    await forget(shop, "tickets", "ORDER", shop.cancelled)


async def a_ticket_that_never_heard_of_an_order(shop: Shop) -> None:
    await faults.a_ticket_that_is_on_sale_though_it_is_sold(shop)
    await shop.remove("tickets", "holds", shop.complete)
    await forget(shop, "tickets", "ORDER", shop.complete)


async def copies_that_orders_lacks(shop: Shop) -> None:
    await shop.remove("orders", "tickets", shop.free)
    await shop.change("orders", "tickets", shop.held, version=0)


async def copies_that_payments_lacks(shop: Shop) -> None:
    await shop.remove("payments", "orders", shop.waiting)
    await shop.remove("payments", "orders", shop.cancelled)


async def a_user_that_contact_has_not_heard_of(shop: Shop) -> None:
    await shop.remove("contact", "recipients", shop.seller)
    await forget(shop, "contact", "USER", shop.seller)


async def a_payment_that_orders_lacks(shop: Shop) -> None:
    [(_, ids)] = await faults.a_payment_that_orders_has_not_heard_of(shop)
    paid = {"id": ids["payments"], "order_id": shop.waiting, "stripe_id": "pi_1", "version": 1}
    await shop.say(PaymentCreated.model_validate(paid))
    await shop.settle()


async def an_order_past_its_time(shop: Shop) -> None:
    await faults.an_order_past_its_time(shop)
    await shop.say(PaymentMissed(order_id=shop.waiting))
    await shop.settle()


async def a_timer_that_is_gone(shop: Shop) -> None:
    await faults.a_timer_that_is_gone(shop)
    # Else expiration sets all of them anew, by itself.
    run = (await shop.redis.info("server"))["run_id"]
    await shop.redis.set("timers:complete", str(run))


@pytest.mark.parametrize(
    ("plant", "service", "kinds"),
    [
        (a_ticket_that_never_heard_of_a_cancellation, "tickets", {"ticket-held-for-nobody"}),
        (a_ticket_that_never_heard_of_an_order, "tickets", {"ticket-not-held", "copy-missing"}),
        (copies_that_orders_lacks, "orders", {"copy-missing", "copy-behind"}),
        (a_payment_that_orders_lacks, "orders", {"payment-not-heard"}),
        (an_order_past_its_time, "orders", {"order-past-its-time"}),
        (copies_that_payments_lacks, "payments", {"copy-missing"}),
        (a_user_that_contact_has_not_heard_of, "contact", {"copy-missing", "event-lost"}),
        (a_timer_that_is_gone, "expiration", {"timer-missing"}),
    ],
)
async def test_a_service_that_is_told_again_what_it_has_missed_mends_itself(
    plant: Callable[[Shop], Awaitable[None]],
    service: str,
    kinds: set[str],
    shop: Shop,
    look_at: Look_at,
    mend: Mend,
    addresses: Addresses,
    world: World,
) -> None:
    await plant(shop)
    found = await look_at()
    assert kinds <= {kind for kind, _ in told(found)}
    wanted = [finding for finding in found.findings if finding.kind.name in kinds]

    async def is_mended() -> bool:
        lasting = (await look_at()).findings
        before = {finding.identity for finding in wanted}
        return not any(finding.identity in before for finding in lasting)

    async with running(service, addresses, world):
        await mend(repairs_of(wanted))
        await eventually(is_mended)


async def test_only_who_has_missed_an_event_hears_it_again_under_its_own_id(
    shop: Shop, mend: Mend
) -> None:
    await mend([Resend("orders", "TICKET", shop.free, after=0)])

    told_again = [
        one for number in (1, 2) if (one := await messages.at(shop.js, REPLAY_STREAM, number))
    ]
    assert await messages.at(shop.js, REPLAY_STREAM, 3) is None
    assert [one.subject for one in told_again] == ["again.orders.ticket.updated"] * 2
    assert [json.loads(one.body)["version"] for one in told_again] == [1, 2]
    first = [one async for batch in messages.batches(shop.js, "TICKET") for one in batch]
    assert {messages.event_id(one) for one in told_again} <= {messages.event_id(o) for o in first}


async def test_what_the_stream_has_forgotten_is_said_to_be_gone(shop: Shop, mend: Mend) -> None:
    said = await mend(
        [Resend("orders", "TICKET", faults.new_id()), ResendOne("orders", "TICKET", 99)]
    )

    assert "does not hold event 99 any more" in said[0]
    assert "Told orders 0 TICKET events" in said[1]
    assert "holds none any more" in said[1]


async def untold(shop: Shop) -> tuple[str, dict[str, str]]:
    """That payments, which does not run, has yet to tell the buyer."""
    [row] = await shop.databases["payments"]["outbox"].find().to_list()
    assert row["subject"] == "payment.refunded"
    ids = {"service": "payments", "event": str(row["_id"]), "document": row["key"]}
    return "event-not-published", ids


async def test_what_was_paid_for_a_cancelled_order_is_given_back_by_payments_own_rules(
    shop: Shop, look_at: Look_at, mend: Mend
) -> None:
    [(_, ids)] = await faults.a_paid_order_that_was_cancelled(shop)
    found = await look_at()

    said = await mend(repairs_of(found.findings))

    assert told(await look_at()) == [await untold(shop)]
    payment = await shop.databases["payments"]["payments"].find_one(
        {"_id": ObjectId(ids["payments"])}
    )
    assert payment is not None
    assert payment["status"] == "refunded"
    assert "refunded" in said[0]


async def test_an_order_that_was_paid_twice_is_given_back_once(
    shop: Shop, look_at: Look_at, mend: Mend
) -> None:
    await faults.an_order_that_was_paid_twice(shop)

    await mend(repairs_of((await look_at()).findings))

    assert told(await look_at()) == [await untold(shop)]
    statuses = await shop.databases["payments"]["payments"].distinct("status")
    assert sorted(statuses) == ["refunded", "succeeded"]


async def test_a_charge_that_no_payment_knows_is_given_back_once_however_often(
    shop: Shop, look_at: Look_at, mend: Mend
) -> None:
    [(_, ids)] = await faults.a_charge_that_no_payment_knows(shop)
    repairs = repairs_of((await look_at()).findings)

    await mend(repairs)
    await mend(repairs)

    assert told(await look_at()) == []
    refunds = (await shop.stripe.get("/v1/refunds", params={"charge": ids["charge"]})).json()
    assert len(refunds["data"]) == 1


async def test_a_charge_for_an_order_that_is_not_ours_is_not_given_back(
    shop: Shop, look_at: Look_at
) -> None:
    await shop.charged(faults.new_id(), faults.new_id())

    found = await look_at()

    assert [kind for kind, _ in told(found)] == ["charge-without-payment"]
    assert repairs_of(found.findings) == []


async def test_a_charge_that_stripe_will_not_refund_is_said_and_the_rest_is_mended(
    shop: Shop, look_at: Look_at, mend: Mend
) -> None:
    await faults.a_charge_that_no_payment_knows(shop)
    await faults.a_timer_that_is_gone(shop)
    repairs = repairs_of((await look_at()).findings)
    await shop.stripe.post(
        "/v1/refunds", data={"charge": (await look_at()).violations[0].ids["charge"]}
    )

    said = await mend(repairs)

    assert any("cannot be refunded" in line for line in said)
    assert any("Told expiration 1 ORDER events" in line for line in said)
