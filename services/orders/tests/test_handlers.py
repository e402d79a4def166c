import asyncio
from contextvars import copy_context
from datetime import timedelta
from typing import Any

import httpx
import pytest
from bson import ObjectId
from services.orders.tests.requests import create_order, get_order

from orders.handlers import listeners
from orders.models import Order, Ticket
from ticketing_common.errors import NotFound
from ticketing_common.events import (
    ExpirationCompleted,
    OrderAwaitingPayment,
    OrderCancelled,
    OrderCompleted,
    OrderOverdue,
    PaymentCreated,
    PaymentFailed,
    PaymentMissed,
    PaymentStarted,
    TicketCreated,
    TicketDeleted,
    TicketUpdated,
    utc_now,
)
from ticketing_common.persistence.transaction import transactional
from ticketing_common.web.sessions import SessionUser
from ticketing_testing import RunningService, new_event, new_id


class PaymentEvents:
    """The events of one attempt to pay an order."""

    def __init__(self, order: Any) -> None:
        ids = {"id": new_id(), "order_id": order["id"]}
        self.started = new_event(PaymentStarted, **ids)
        self.failed = new_event(PaymentFailed, **ids)
        self.created = new_event(PaymentCreated, **ids, version=1)


@pytest.fixture
async def order(buyer_client: httpx.AsyncClient, ticket: TicketCreated) -> Any:
    return await create_order(buyer_client, ticket)


async def make_overdue(order: Any) -> None:
    """Move the end of the time to pay into the past."""
    await Order.get_pymongo_collection().update_one(
        {"_id": ObjectId(order["id"])}, {"$set": {"expires_at": utc_now() - timedelta(seconds=1)}}
    )


async def handle(orders: RunningService, *events: Any) -> None:
    """Publish events and wait until they are handled."""
    await orders.bus.publish(*events)
    await orders.bus.wait_until_handled(listeners)


class TestTicketCopy:
    async def test_update_ticket_copy_follows_ticket(
        self, orders: RunningService, ticket: TicketCreated
    ) -> None:
        event = new_event(TicketUpdated, id=ticket.id, version=1, title="Opera", price=30)

        await handle(orders, event, event)

        [copy] = await Ticket.find_all().to_list()
        assert (copy.title, copy.price, copy.version) == ("Opera", 30_00, 1)

    async def test_update_ticket_copy_waits_for_missing_version(
        self, orders: RunningService, ticket: TicketCreated
    ) -> None:
        second = new_event(TicketUpdated, id=ticket.id, version=1, title="second")
        third = new_event(TicketUpdated, id=ticket.id, version=2, title="third")

        await handle(orders, third, second)

        [copy] = await Ticket.find_all().to_list()
        assert (copy.title, copy.version) == ("third", 2)

    async def test_delete_ticket_copy_is_final(
        self, orders: RunningService, buyer_client: httpx.AsyncClient, ticket: TicketCreated
    ) -> None:
        await handle(orders, new_event(TicketDeleted, id=ticket.id, version=1), ticket)

        response = await buyer_client.post("/api/orders", json={"ticketId": ticket.id})
        assert response.status_code == 404

    async def test_update_ticket_copy_keeps_orders(
        self,
        orders: RunningService,
        buyer_client: httpx.AsyncClient,
        ticket: TicketCreated,
        order: Any,
    ) -> None:
        await handle(orders, new_event(TicketUpdated, id=ticket.id, version=1, price=99))

        assert await get_order(buyer_client, order) == order

    @pytest.mark.parametrize("paid", [False, True])
    async def test_delete_ticket_copy_cancels_order(
        self,
        orders: RunningService,
        buyer_client: httpx.AsyncClient,
        ticket: TicketCreated,
        order: Any,
        paid: bool,
    ) -> None:
        if paid:
            await handle(orders, PaymentEvents(order).created)

        await handle(orders, new_event(TicketDeleted, id=ticket.id, version=1))

        cancelled = await get_order(buyer_client, order)
        assert (cancelled["status"], cancelled["reason"]) == ("cancelled", "ticket-gone")
        [event] = await orders.bus.published(OrderCancelled)
        assert event.reason == "ticket-gone"

    async def test_delete_ticket_copy_prevents_concurrent_order(
        self, orders: RunningService, buyer: SessionUser, ticket: TicketCreated
    ) -> None:
        """Neither transaction sees the other's changes, unless both write the same document."""
        deletion = new_event(TicketDeleted, id=ticket.id, version=1)
        outside_transaction = copy_context()
        attempts = 0

        @transactional
        async def place_order_during_deletion() -> None:
            nonlocal attempts
            attempts += 1
            copy = await Ticket.find_existing(ticket.id)
            if attempts == 1:
                await asyncio.create_task(
                    _handle_once(deletion, new_id()), context=outside_transaction
                )
            await Order.place(buyer.id, copy, timedelta(minutes=1))

        with pytest.raises(NotFound):
            await place_order_during_deletion()

        assert await Order.count() == 0


async def _handle_once(event: TicketDeleted, event_id: str) -> None:
    await listeners.handle(event, event_id)


class TestExpiration:
    async def test_expire_order_cancels_unpaid_order_and_releases_ticket(
        self,
        orders: RunningService,
        buyer_client: httpx.AsyncClient,
        ticket: TicketCreated,
        order: Any,
    ) -> None:
        await make_overdue(order)

        await handle(orders, ExpirationCompleted(order_id=order["id"]))
        [overdue] = await orders.bus.published(OrderOverdue)
        status_when_overdue = (await get_order(buyer_client, order))["status"]
        await handle(orders, *[PaymentMissed(order_id=order["id"])] * 2)

        assert (overdue.id, overdue.status) == (order["id"], status_when_overdue)
        expired = await get_order(buyer_client, order)
        [event] = await orders.bus.published(OrderCancelled)
        assert expired["status"] == "cancelled"
        assert expired["reason"] == event.reason == "expired"
        await create_order(buyer_client, ticket)

    async def test_publish_order_overdue_waits_until_order_expires(
        self, orders: RunningService, buyer_client: httpx.AsyncClient, order: Any
    ) -> None:
        await orders.bus.publish(ExpirationCompleted(order_id=order["id"]))
        assert (await get_order(buyer_client, order))["version"] == 0

        await make_overdue(order)
        await orders.bus.wait_until_handled(listeners)

        assert len(await orders.bus.published(OrderOverdue)) == 1

    @pytest.mark.parametrize("end", ["complete", "cancelled"])
    async def test_expiration_keeps_order_that_has_ended(
        self, orders: RunningService, buyer_client: httpx.AsyncClient, order: Any, end: str
    ) -> None:
        if end == "complete":
            await handle(orders, PaymentEvents(order).created)
        else:
            await buyer_client.delete(f"/api/orders/{order['id']}")
        await make_overdue(order)
        ended = await get_order(buyer_client, order)

        await handle(
            orders, ExpirationCompleted(order_id=order["id"]), PaymentMissed(order_id=order["id"])
        )

        assert (await get_order(buyer_client, order)) == ended

    @pytest.mark.parametrize("started_before", [True, False], ids=["payment started", "no event"])
    async def test_publish_order_overdue_keeps_order_whose_payment_event_is_late(
        self,
        orders: RunningService,
        buyer_client: httpx.AsyncClient,
        order: Any,
        started_before: bool,
    ) -> None:
        payment = PaymentEvents(order)
        if started_before:
            await handle(orders, payment.started)
        await make_overdue(order)
        await handle(orders, ExpirationCompleted(order_id=order["id"]))

        await handle(orders, payment.started, payment.created)

        assert (await get_order(buyer_client, order))["status"] == "complete"
        assert await orders.bus.dead_letters() == []

    async def test_expire_order_ignores_order_of_payment_events(
        self, orders: RunningService, buyer_client: httpx.AsyncClient, order: Any
    ) -> None:
        payment = PaymentEvents(order)
        await make_overdue(order)
        await handle(orders, ExpirationCompleted(order_id=order["id"]))

        await handle(orders, PaymentMissed(order_id=order["id"]), payment.failed, payment.started)

        assert (await get_order(buyer_client, order))["status"] == "cancelled"

    async def test_publish_order_overdue_rejects_unknown_order(
        self, orders: RunningService
    ) -> None:
        await handle(orders, ExpirationCompleted(order_id=new_id()))

        [dead_letter] = await orders.bus.dead_letters(1)
        assert "There is no order" in (dead_letter.headers or {})["Dead-Letter-Cause"]


class TestPayment:
    async def test_payment_completes_order_and_publishes_each_step(
        self,
        orders: RunningService,
        buyer_client: httpx.AsyncClient,
        buyer: SessionUser,
        order: Any,
    ) -> None:
        payment = PaymentEvents(order)

        await handle(orders, payment.started, payment.created)

        paid = await get_order(buyer_client, order)
        assert paid == order | {"status": "complete", "version": 2}
        [awaiting] = await orders.bus.published(OrderAwaitingPayment)
        [completed] = await orders.bus.published(OrderCompleted)
        assert (awaiting.version, awaiting.status) == (1, "awaiting:payment")
        assert (completed.version, completed.status) == (2, "complete")
        assert completed.user_id == buyer.id

    async def test_await_payment_allows_second_attempt_after_failure(
        self, orders: RunningService, buyer_client: httpx.AsyncClient, order: Any
    ) -> None:
        first, second = PaymentEvents(order), PaymentEvents(order)

        await handle(orders, first.started, first.failed, second.started, second.created)

        assert (await get_order(buyer_client, order))["status"] == "complete"

    @pytest.mark.parametrize("name", ["started", "failed", "created"])
    async def test_payment_handlers_ignore_duplicate_events(
        self, orders: RunningService, buyer_client: httpx.AsyncClient, order: Any, name: str
    ) -> None:
        payment = PaymentEvents(order)
        if name != "started":
            await handle(orders, payment.started)
        event = getattr(payment, name)
        event_id = await orders.bus.publish(event)
        await orders.bus.wait_until_handled(listeners)
        handled_once = await get_order(buyer_client, order)

        await orders.bus.publish(event, id=event_id, bypass_deduplication=True)
        await orders.bus.wait_until_handled(listeners)

        assert await get_order(buyer_client, order) == handled_once

    @pytest.mark.parametrize("name", ["started", "failed", "created"])
    async def test_payment_handlers_keep_cancelled_order(
        self, orders: RunningService, buyer_client: httpx.AsyncClient, order: Any, name: str
    ) -> None:
        await buyer_client.delete(f"/api/orders/{order['id']}")

        await handle(orders, getattr(PaymentEvents(order), name))

        assert (await get_order(buyer_client, order))["status"] == "cancelled"
        assert await orders.bus.dead_letters() == []

    async def test_complete_order_accepts_payment_before_its_start(
        self, orders: RunningService, buyer_client: httpx.AsyncClient, order: Any
    ) -> None:
        payment = PaymentEvents(order)

        await handle(orders, payment.created, payment.started)

        paid = await get_order(buyer_client, order)
        assert paid == order | {"status": "complete", "version": 1}


@pytest.mark.parametrize("event", [listener.event for listener in listeners])
async def test_invalid_message_becomes_dead_letter(orders: RunningService, event: Any) -> None:
    await orders.bus.publish_raw(event, b'{"id": "nonsense"}')

    [dead_letter] = await orders.bus.dead_letters(1)

    await orders.bus.wait_until_handled(listeners)
    assert dead_letter.subject == f"dead-letter.orders.{event.subject}"
