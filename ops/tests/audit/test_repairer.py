"""Repairs, executed by the real services."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from bson import ObjectId
from fastapi import FastAPI
from ops.tests.audit import problems
from ops.tests.audit.conftest import RunAudit, kinds_and_ids
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
from ticketing_ops.audit.repairer import Repairer, repairs_of
from ticketing_ops.audit.repairs import Repair, ResendEvent, ResendEvents
from ticketing_ops.audit.stores import connected
from ticketing_ops.audit.streams import read_batches, read_message
from ticketing_ops.connections import Connections
from ticketing_testing import Bus, TestEnvironment, eventually, serve_app
from tickets.settings import TicketsSettings

RunRepairs = Callable[[Sequence[Repair]], Awaitable[list[str]]]


@pytest.fixture
def run_repairs(connections: Connections) -> RunRepairs:
    """A function that executes repairs, and returns the reported lines."""

    async def run(repairs: Sequence[Repair]) -> list[str]:
        lines: list[str] = []
        async with connected(connections) as stores:
            await Repairer(stores, connections, lines.append).run(repairs)
        return lines

    return run


@asynccontextmanager
async def running(
    service: str, connections: Connections, environment: TestEnvironment
) -> AsyncIterator[None]:
    """Run one of the services on its database."""
    uri = connections.mongo_uri(service) if service != "expiration" else environment.mongo_uri
    settings: dict[str, Any] = environment.settings() | {
        "mongo_uri": uri,
        "stripe_key": connections.stripe_key,
        "stripe_webhook_secret": "whsec_1",
        "stripe_api_base": connections.stripe_api_base,
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
    async with Bus.open(environment.nats_url) as bus, serve_app(apps[service](), bus):
        yield


async def delete_inbox_rows(shop: Shop, service: str, stream: str, document: str) -> None:
    """Remove the records that a service has handled the events of a document."""
    async for batch in read_batches(shop.js, stream):
        for message in batch:
            if message.fields["id"] == document:
                await shop.delete_inbox_row(service, message.event_id)


async def ticket_without_cancellation(shop: Shop) -> None:
    await problems.ticket_held_for_cancelled_order(shop)
    await shop.change("tickets", "holds", shop.cancelled, state="held")
    await delete_inbox_rows(shop, "tickets", "ORDER", shop.cancelled)


async def ticket_without_order(shop: Shop) -> None:
    await problems.sold_ticket_not_held(shop)
    await shop.remove("tickets", "holds", shop.complete)
    await delete_inbox_rows(shop, "tickets", "ORDER", shop.complete)


async def missing_copies_of_tickets(shop: Shop) -> None:
    await shop.remove("orders", "tickets", shop.free)
    await shop.change("orders", "tickets", shop.held, version=0)


async def missing_copies_of_orders(shop: Shop) -> None:
    await shop.remove("payments", "orders", shop.waiting)
    await shop.remove("payments", "orders", shop.cancelled)


async def missing_recipient(shop: Shop) -> None:
    await shop.remove("contact", "recipients", shop.seller)
    await delete_inbox_rows(shop, "contact", "USER", shop.seller)


async def payment_not_applied(shop: Shop) -> None:
    [(_, ids)] = await problems.payment_not_applied(shop)
    paid = {"id": ids["payments"], "order_id": shop.waiting, "stripe_id": "pi_1", "version": 1}
    await shop.publish(PaymentCreated.model_validate(paid))
    await shop.acknowledge_all()


async def overdue_order(shop: Shop) -> None:
    await problems.overdue_order(shop)
    await shop.publish(PaymentMissed(order_id=shop.waiting))
    await shop.acknowledge_all()


async def missing_timer(shop: Shop) -> None:
    await problems.missing_timer(shop)
    # Otherwise expiration rebuilds all timers when it starts.
    run = (await shop.redis.info("server"))["run_id"]
    await shop.redis.set("timers:complete", str(run))


@pytest.mark.parametrize(
    ("cause", "service", "kinds"),
    [
        (ticket_without_cancellation, "tickets", {"ticket-held-without-order"}),
        (ticket_without_order, "tickets", {"ticket-not-held", "copy-missing"}),
        (missing_copies_of_tickets, "orders", {"copy-missing", "copy-behind"}),
        (payment_not_applied, "orders", {"payment-not-applied"}),
        (overdue_order, "orders", {"order-not-expired"}),
        (missing_copies_of_orders, "payments", {"copy-missing"}),
        (missing_recipient, "contact", {"copy-missing", "event-lost"}),
        (missing_timer, "expiration", {"timer-missing"}),
    ],
)
async def test_repairer_resends_events_and_the_service_repairs_its_data(
    cause: Callable[[Shop], Awaitable[None]],
    service: str,
    kinds: set[str],
    shop: Shop,
    run_audit: RunAudit,
    run_repairs: RunRepairs,
    connections: Connections,
    environment: TestEnvironment,
) -> None:
    await cause(shop)
    found = await run_audit()
    assert kinds <= {kind for kind, _ in kinds_and_ids(found)}
    wanted = [finding for finding in found.findings if finding.kind.name in kinds]

    async def is_repaired() -> bool:
        current = (await run_audit()).findings
        before = {finding.identity for finding in wanted}
        return not any(finding.identity in before for finding in current)

    async with running(service, connections, environment):
        await run_repairs(repairs_of(wanted))
        await eventually(is_repaired)


async def test_repairer_sends_an_event_to_one_service_with_its_own_id(
    shop: Shop, run_repairs: RunRepairs
) -> None:
    await run_repairs([ResendEvents("orders", "TICKET", shop.free, after=0)])

    sent = [
        message
        for sequence in (1, 2)
        if (message := await read_message(shop.js, REPLAY_STREAM, sequence))
    ]
    assert await read_message(shop.js, REPLAY_STREAM, 3) is None
    assert [message.subject for message in sent] == ["replay.orders.ticket.updated"] * 2
    assert [json.loads(message.body)["version"] for message in sent] == [1, 2]
    stored = [message async for batch in read_batches(shop.js, "TICKET") for message in batch]
    assert {message.event_id for message in sent} <= {message.event_id for message in stored}


async def test_repairer_reports_events_that_the_stream_no_longer_has(
    shop: Shop, run_repairs: RunRepairs
) -> None:
    lines = await run_repairs(
        [ResendEvents("orders", "TICKET", problems.new_id()), ResendEvent("orders", "TICKET", 99)]
    )

    assert "no longer has event 99" in lines[0]
    assert "Sent 0 TICKET events" in lines[1]
    assert "no longer has any" in lines[1]


async def unpublished_refund(shop: Shop) -> tuple[str, dict[str, str]]:
    """Return the finding of the refund event, which payments publishes when it runs."""
    [row] = await shop.databases["payments"]["outbox"].find().to_list()
    assert row["subject"] == "payment.refunded"
    ids = {"service": "payments", "event": str(row["_id"]), "document": row["aggregate_id"]}
    return "event-not-published", ids


async def test_repairer_refunds_a_cancelled_order_through_payments(
    shop: Shop, run_audit: RunAudit, run_repairs: RunRepairs
) -> None:
    [(_, ids)] = await problems.cancelled_order_with_payment(shop)
    found = await run_audit()

    lines = await run_repairs(repairs_of(found.findings))

    assert kinds_and_ids(await run_audit()) == [await unpublished_refund(shop)]
    payment = await shop.databases["payments"]["payments"].find_one(
        {"_id": ObjectId(ids["payments"])}
    )
    assert payment is not None
    assert payment["status"] == "refunded"
    assert "refunded" in lines[0]


async def test_repairer_refunds_an_order_that_was_paid_twice_once(
    shop: Shop, run_audit: RunAudit, run_repairs: RunRepairs
) -> None:
    await problems.order_paid_twice(shop)

    await run_repairs(repairs_of((await run_audit()).findings))

    assert kinds_and_ids(await run_audit()) == [await unpublished_refund(shop)]
    statuses = await shop.databases["payments"]["payments"].distinct("status")
    assert sorted(statuses) == ["refunded", "succeeded"]


async def test_repairer_refunds_a_charge_once(
    shop: Shop, run_audit: RunAudit, run_repairs: RunRepairs
) -> None:
    [(_, ids)] = await problems.charge_without_payment(shop)
    repairs = repairs_of((await run_audit()).findings)

    await run_repairs(repairs)
    await run_repairs(repairs)

    assert kinds_and_ids(await run_audit()) == []
    refunds = (await shop.stripe.get("/v1/refunds", params={"charge": ids["charge"]})).json()
    assert len(refunds["data"]) == 1


async def test_repairs_exclude_a_charge_of_an_unknown_order(
    shop: Shop, run_audit: RunAudit
) -> None:
    await shop.charge_order(problems.new_id(), problems.new_id())

    found = await run_audit()

    assert [kind for kind, _ in kinds_and_ids(found)] == ["charge-without-payment"]
    assert repairs_of(found.findings) == []


async def test_repairer_reports_a_refused_refund_and_continues(
    shop: Shop, run_audit: RunAudit, run_repairs: RunRepairs
) -> None:
    await problems.charge_without_payment(shop)
    await problems.missing_timer(shop)
    repairs = repairs_of((await run_audit()).findings)
    await shop.stripe.post(
        "/v1/refunds", data={"charge": (await run_audit()).violations[0].ids["charge"]}
    )

    lines = await run_repairs(repairs)

    assert any("cannot be refunded" in line for line in lines)
    assert any("Sent 1 ORDER events" in line and "to expiration" in line for line in lines)
