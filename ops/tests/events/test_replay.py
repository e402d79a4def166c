"""Replays to services that lost their data."""

from typing import Any

import pytest
from fastapi import FastAPI
from ops.tests.events.conftest import Command
from pymongo import AsyncMongoClient

import contact.app
import contact.handlers
import orders.app
import orders.handlers
import payments.app
import payments.handlers
from contact.settings import ContactSettings
from orders.settings import OrdersSettings
from payments.settings import PaymentsSettings
from ticketing_common.events import (
    DomainEvent,
    OrderAwaitingPayment,
    OrderCancelled,
    OrderCompleted,
    OrderCreated,
    PaymentCreated,
    TicketCreated,
    TicketDeleted,
    TicketUpdated,
    UserChangedPassword,
    UserForgotPassword,
    UserSignedUp,
)
from ticketing_common.messaging.listeners import Listeners
from ticketing_common.persistence import parked_events
from ticketing_testing import Bus, TestEnvironment, eventually, new_event, new_id

Rows = dict[str, list[dict[str, Any]]]

LISTENERS = {
    "orders": orders.handlers.listeners,
    "payments": payments.handlers.listeners,
    "contact": contact.handlers.listeners,
}
OWN_COLLECTIONS = {"inbox", "outbox", "mails", "answers", "checkpoints"}
"""Collections that contain no copies."""
NOWHERE = "http://127.0.0.1:1"


def make_app(service: str, environment: TestEnvironment) -> FastAPI:
    settings = environment.settings()
    match service:
        case "orders":
            return orders.app.create_app(OrdersSettings(**settings))
        case "payments":
            settings |= {"stripe_key": "sk_test_1", "stripe_webhook_secret": "whsec_1"}
            return payments.app.create_app(PaymentsSettings(**settings, stripe_api_base=NOWHERE))
        case _:
            settings |= {"sendgrid_key": "SG.1", "sendgrid_email": "market@example.com"}
            settings |= {"public_url": NOWHERE, "sendgrid_api_base": NOWHERE}
            return contact.app.create_app(ContactSettings(**settings))


def sample_events() -> list[DomainEvent]:
    """Return the events of some sales."""
    seller, buyer, sold, gone = new_id(), new_id(), new_id(), new_id()
    bought, dropped = new_id(), new_id()
    ticket = {"id": sold, "title": "Opera", "price": 40}
    whose: dict[str, Any] = {"user_id": buyer, "ticket": ticket}
    return [
        new_event(UserSignedUp, id=seller),
        new_event(UserSignedUp, id=buyer),
        new_event(UserForgotPassword, id=buyer, version=1),
        new_event(UserChangedPassword, id=buyer, version=2),
        new_event(TicketCreated, id=sold, user_id=seller),
        new_event(TicketCreated, id=gone, user_id=seller),
        new_event(TicketUpdated, id=sold, version=1, user_id=seller, title="Opera", price=40),
        new_event(TicketDeleted, id=gone, version=1),
        new_event(OrderCreated, id=dropped, **whose),
        new_event(OrderCancelled, id=dropped, version=1, status="cancelled", **whose),
        new_event(OrderCreated, id=bought, **whose),
        new_event(OrderAwaitingPayment, id=bought, version=1, status="awaiting:payment"),
        new_event(OrderCompleted, id=bought, version=2, status="complete", **whose),
    ]


async def rows(environment: TestEnvironment, *, of: set[str] | None = None) -> Rows:
    """Return the documents of a service's copies, or of some collections."""
    async with AsyncMongoClient[dict[str, Any]](environment.mongo_uri) as client:
        database = client.get_default_database()
        names = {*await database.list_collection_names()} - OWN_COLLECTIONS if of is None else of
        return {name: await database[name].find().sort("_id").to_list() for name in names}


async def drop(environment: TestEnvironment, *collections: str) -> None:
    """Drop some collections, or the whole database with its inbox."""
    async with AsyncMongoClient[dict[str, Any]](environment.mongo_uri) as client:
        database = client.get_default_database()
        for name in collections:
            await database.drop_collection(name)
        if not collections:
            await client.drop_database(database.name)


@pytest.mark.parametrize("service", ["payments", "contact", "orders"])
async def test_replay_rebuilds_the_copies_of_a_lost_database(
    service: str, environment: TestEnvironment, ticketing: Command
) -> None:
    listeners: Listeners = LISTENERS[service]
    async with environment.serve(make_app(service, environment)) as served:
        await served.bus.publish(*sample_events())
        await served.bus.wait_until_handled(listeners)
        before = await rows(environment)
        mails = await rows(environment, of={"mails"})
    await drop(environment)

    async with environment.serve(make_app(service, environment)) as served:
        assert any((await rows(environment)).values()) is False
        result = await ticketing("events", "replay", "--to", service)
        assert result.exit_code == 0, result.output
        await served.bus.wait_until_handled(listeners)

        after = await rows(environment)
        assert {name: found for name, found in after.items() if found} == {
            name: found for name, found in before.items() if found
        }
        assert any(before.values())
        assert (await rows(environment, of={"mails", "outbox"}))["mails"] == []
        assert bool(mails["mails"]) == (service == "contact")
        assert await served.bus.dead_letters() == []


async def test_replay_rebuilds_one_collection_and_changes_nothing_else(
    environment: TestEnvironment, ticketing: Command
) -> None:
    async with environment.serve(make_app("orders", environment)) as served:
        await served.bus.publish(*sample_events())
        await served.bus.wait_until_handled(orders.handlers.listeners)
        before = await rows(environment)
        await drop(environment, "tickets")

        await ticketing("events", "replay", "ticket.*", "--to", "orders", "--since", "1h")
        await served.bus.wait_until_handled(orders.handlers.listeners)

        assert await rows(environment) == before


async def test_replay_without_a_loss_changes_nothing(
    environment: TestEnvironment, ticketing: Command
) -> None:
    async with environment.serve(make_app("contact", environment)) as served:
        await served.bus.publish(*sample_events())
        await served.bus.wait_until_handled(contact.handlers.listeners)
        before = await rows(environment)
        mails = {row["_id"] for row in (await rows(environment, of={"mails"}))["mails"]}

        await ticketing("events", "replay", "--to", "contact")
        await served.bus.wait_until_handled(contact.handlers.listeners)

        assert await rows(environment) == before
        assert {row["_id"] for row in (await rows(environment, of={"mails"}))["mails"]} == mails


async def test_replay_and_new_events_are_handled_in_order(
    environment: TestEnvironment, ticketing: Command
) -> None:
    ticket = new_id()
    async with environment.serve(make_app("orders", environment)) as served:
        await served.bus.publish(new_event(TicketCreated, id=ticket))
        await served.bus.wait_until_handled(orders.handlers.listeners)
        await drop(environment, "tickets")

        await served.bus.publish(new_event(TicketUpdated, id=ticket, version=1, title="Late"))
        await ticketing("events", "replay", "--to", "orders")

        async def is_current() -> bool:
            found = (await rows(environment, of={"tickets"}))["tickets"]
            return [(row["version"], row["title"]) for row in found] == [(1, "Late")]

        assert await eventually(is_current)


async def test_replay_sends_to_one_service_and_prints_counts(
    environment: TestEnvironment, ticketing: Command
) -> None:
    async with environment.serve(make_app("orders", environment)) as served:
        await served.bus.publish(new_event(TicketCreated), new_event(OrderCreated))
        await served.bus.wait_until_handled(orders.handlers.listeners)

        result = await ticketing("events", "replay", "--to", "orders")
        await served.bus.wait_until_handled(orders.handlers.listeners)

        assert [line.split() for line in result.stdout.splitlines()] == [
            ["ticket.created", "1"],
            ["total", "sent", "to", "orders", "1"],
        ]
        assert len(await served.bus.published(TicketCreated)) == 1


async def test_replay_reports_documents_older_than_the_stream(
    environment: TestEnvironment, ticketing: Command
) -> None:
    async with environment.serve(make_app("orders", environment)) as served:
        ticket = new_event(TicketUpdated, version=7)
        await served.bus.publish(ticket, new_event(PaymentCreated, version=2))
        await served.bus.dead_letters(1)

        result = await ticketing("events", "replay", "--to", "orders")

        assert f"1 documents are older than the stream, such as {ticket.id}" in result.stderr
        assert "not handled yet" not in result.stderr
        assert await parked_events.count() == 1


async def test_replay_reports_events_that_a_stopped_service_has_not_handled(
    environment: TestEnvironment, ticketing: Command
) -> None:
    async with environment.serve(make_app("orders", environment)) as served:
        await served.bus.publish(new_event(TicketCreated))
        await served.bus.wait_until_handled(orders.handlers.listeners)

    result = await ticketing("events", "replay", "--to", "orders", "--wait", "0")

    assert "1 events are not handled yet. orders handles them" in result.stderr


async def test_replay_excludes_events_with_a_secret(
    environment: TestEnvironment, ticketing: Command
) -> None:
    async with (
        Bus.open(environment.nats_url) as bus,
        environment.serve(make_app("contact", environment)),
    ):
        await bus.publish(*sample_events())
        await bus.wait_until_handled(contact.handlers.listeners)

        result = await ticketing("events", "replay", "--to", "contact")
        assert "forgot-password" not in result.stdout
        result = await ticketing("events", "replay", "user.forgot-password", "--to", "contact")
        assert "contact consumes no event of user.forgot-password" in result.stderr
