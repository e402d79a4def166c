import asyncio
from contextvars import copy_context
from datetime import timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest
from bson import ObjectId
from services.orders.tests.counters import look, place

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
    UserChangedPassword,
    utc_now,
)
from ticketing_common.persistence.transaction import transactional
from ticketing_common.web.sessions import SessionUser
from ticketing_testing import RunningService, eventually, new_event, new_id, next_millisecond


async def make_late(order: Any, by: timedelta = timedelta(seconds=1)) -> None:
    """Let the time to pay for an order be over."""
    await Order.get_pymongo_collection().update_one(
        {"_id": ObjectId(order["id"])}, {"$set": {"expires_at": utc_now() - by}}
    )


class Payment:
    """The events of one try to pay an order."""

    def __init__(self, order: Any) -> None:
        ids = {"id": new_id(), "order_id": order["id"]}
        self.started = new_event(PaymentStarted, **ids)
        self.failed = new_event(PaymentFailed, **ids)
        self.created = new_event(PaymentCreated, **ids, version=1)


@pytest.fixture
async def order(desk: httpx.AsyncClient, ticket: TicketCreated) -> Any:
    return await place(desk, ticket)


async def tell(orders: RunningService, *events: Any) -> None:
    await orders.bus.publish(*events)
    await orders.bus.wait_until_handled(listeners)


class TestOurCopyOfATicket:
    async def test_is_what_the_ticket_is(
        self, orders: RunningService, ticket: TicketCreated
    ) -> None:
        changed = new_event(TicketUpdated, id=ticket.id, version=1, title="Opera", price=30)

        await tell(orders, changed, changed)

        [copy] = await Ticket.find_all().to_list()
        assert (copy.title, copy.price, copy.version) == ("Opera", Decimal(30), 1)

    async def test_waits_for_a_version_that_is_missing(
        self, orders: RunningService, ticket: TicketCreated
    ) -> None:
        await orders.bus.publish(new_event(TicketUpdated, id=ticket.id, version=2, title="third"))
        await tell(orders, new_event(TicketUpdated, id=ticket.id, version=1, title="second"))

        [copy] = await Ticket.find_all().to_list()
        assert (copy.title, copy.version) == ("third", 2)

    async def test_is_not_revived_by_an_event_from_before_its_end(
        self, orders: RunningService, desk: httpx.AsyncClient, ticket: TicketCreated
    ) -> None:
        await tell(orders, new_event(TicketDeleted, id=ticket.id, version=1), ticket)

        response = await desk.post("/api/orders", json={"ticketId": ticket.id})
        assert response.status_code == 404

    async def test_a_changed_price_does_not_change_an_order(
        self, orders: RunningService, desk: httpx.AsyncClient, ticket: TicketCreated, order: Any
    ) -> None:
        await tell(orders, new_event(TicketUpdated, id=ticket.id, version=1, price=99))

        assert await look(desk, order) == order

    @pytest.mark.parametrize("paid", [False, True])
    async def test_takes_its_order_with_it_even_a_paid_one(
        self,
        orders: RunningService,
        desk: httpx.AsyncClient,
        ticket: TicketCreated,
        order: Any,
        paid: bool,
    ) -> None:
        if paid:
            await tell(orders, Payment(order).created)

        await tell(orders, new_event(TicketDeleted, id=ticket.id, version=1))

        assert (await look(desk, order))["status"] == "cancelled"
        [event] = await orders.bus.published(OrderCancelled)
        assert (await look(desk, order))["reason"] == "ticket-gone"
        assert event.reason == "ticket-gone"

    async def test_takes_an_order_with_it_that_is_placed_at_the_same_moment(
        self, orders: RunningService, buyer: SessionUser, ticket: TicketCreated
    ) -> None:
        """Neither transaction sees what the other writes, unless both write one document."""
        deletion = new_event(TicketDeleted, id=ticket.id, version=1)

        @transactional
        async def place_while_the_ticket_goes() -> None:
            copy = await Ticket.on_offer(ticket.id)
            if not runs:
                runs.append(1)
                await asyncio.create_task(listeners.deliver(deletion, new_id()), context=outside)
            await Order.place(buyer, copy, timedelta(minutes=1))

        outside, runs = copy_context(), list[int]()

        with pytest.raises(NotFound):
            await place_while_the_ticket_goes()

        assert await Order.count() == 0


class TestTheEndOfTheTime:
    async def test_ends_an_order_that_payments_knows_no_payment_for_and_frees_its_ticket(
        self, orders: RunningService, desk: httpx.AsyncClient, ticket: TicketCreated, order: Any
    ) -> None:
        await make_late(order)

        await tell(orders, ExpirationCompleted(order_id=order["id"]))
        [asked] = await orders.bus.published(OrderOverdue)
        assert (asked.id, asked.status) == (order["id"], (await look(desk, order))["status"])
        await tell(orders, *[PaymentMissed(order_id=order["id"])] * 2)

        assert (await look(desk, order))["status"] == "cancelled"
        [event] = await orders.bus.published(OrderCancelled)
        assert (await look(desk, order))["reason"] == event.reason == "expired"
        await place(desk, ticket)

    async def test_is_waited_for_where_it_is_told_too_early(
        self, orders: RunningService, desk: httpx.AsyncClient, order: Any
    ) -> None:
        await orders.bus.publish(ExpirationCompleted(order_id=order["id"]))
        assert (await look(desk, order))["version"] == 0

        await make_late(order)
        await orders.bus.wait_until_handled(listeners)

        assert len(await orders.bus.published(OrderOverdue)) == 1

    @pytest.mark.parametrize("end", ["paid", "cancelled"])
    async def test_changes_nothing_about_an_order_that_has_ended(
        self, orders: RunningService, desk: httpx.AsyncClient, order: Any, end: str
    ) -> None:
        if end == "paid":
            await tell(orders, Payment(order).created)
        else:
            await desk.delete(f"/api/orders/{order['id']}")
        await make_late(order)
        ended = await look(desk, order)

        names = {"order_id": order["id"]}
        await tell(orders, ExpirationCompleted(**names), PaymentMissed(**names))

        assert (await look(desk, order)) == ended

    @pytest.mark.parametrize("heard", ["its beginning", "nothing"])
    async def test_does_not_end_an_order_whose_payment_we_hear_of_only_later(
        self, orders: RunningService, desk: httpx.AsyncClient, order: Any, heard: str
    ) -> None:
        """What payments says may come late; that it says nothing means nothing."""
        payment = Payment(order)
        if heard == "its beginning":
            await tell(orders, payment.started)
        await make_late(order)
        await tell(orders, ExpirationCompleted(order_id=order["id"]))

        await tell(orders, payment.started, payment.created)

        assert (await look(desk, order))["status"] == "complete"
        assert await orders.bus.dead_letters() == []

    async def test_comes_with_the_last_payments_failure_in_whichever_order_they_are_told(
        self, orders: RunningService, desk: httpx.AsyncClient, order: Any
    ) -> None:
        payment = Payment(order)
        await make_late(order)
        await tell(orders, ExpirationCompleted(order_id=order["id"]))

        await tell(orders, PaymentMissed(order_id=order["id"]), payment.failed, payment.started)

        assert (await look(desk, order))["status"] == "cancelled"

    async def test_of_an_order_that_we_never_had_is_a_dead_letter(
        self, orders: RunningService
    ) -> None:
        await tell(orders, ExpirationCompleted(order_id=new_id()))

        [letter] = await orders.bus.dead_letters(1)
        assert "There is no order" in (letter.headers or {})["Dead-Letter-Cause"]


class TestAPayment:
    async def test_completes_the_order_and_tells_of_every_step(
        self, orders: RunningService, desk: httpx.AsyncClient, buyer: SessionUser, order: Any
    ) -> None:
        payment = Payment(order)

        await tell(orders, payment.started, payment.created)

        assert await look(desk, order) == order | {"status": "complete", "version": 2}
        [awaiting] = await orders.bus.published(OrderAwaitingPayment)
        [completed] = await orders.bus.published(OrderCompleted)
        assert (awaiting.version, awaiting.status) == (1, "awaiting:payment")
        assert (completed.version, completed.status) == (2, "complete")
        assert completed.user_id == buyer.id

    async def test_that_failed_can_be_tried_again(
        self, orders: RunningService, desk: httpx.AsyncClient, order: Any
    ) -> None:
        first, second = Payment(order), Payment(order)

        await tell(orders, first.started, first.failed, second.started, second.created)

        assert (await look(desk, order))["status"] == "complete"

    @pytest.mark.parametrize("name", ["started", "failed", "created"])
    async def test_told_twice_is_told_once(
        self, orders: RunningService, desk: httpx.AsyncClient, order: Any, name: str
    ) -> None:
        payment = Payment(order)
        if name != "started":
            await tell(orders, payment.started)
        event = getattr(payment, name)
        event_id = await orders.bus.publish(event)
        await orders.bus.wait_until_handled(listeners)
        once = await look(desk, order)

        await orders.bus.publish(event, id=event_id, bypass_deduplication=True)
        await orders.bus.wait_until_handled(listeners)

        assert await look(desk, order) == once

    @pytest.mark.parametrize("name", ["started", "failed", "created"])
    async def test_of_a_cancelled_order_does_not_revive_it(
        self, orders: RunningService, desk: httpx.AsyncClient, order: Any, name: str
    ) -> None:
        await desk.delete(f"/api/orders/{order['id']}")

        await tell(orders, getattr(Payment(order), name))

        assert (await look(desk, order))["status"] == "cancelled"
        assert await orders.bus.dead_letters() == []

    async def test_that_is_told_before_it_began_still_completes_the_order(
        self, orders: RunningService, desk: httpx.AsyncClient, order: Any
    ) -> None:
        payment = Payment(order)

        await tell(orders, payment.created, payment.started)

        assert await look(desk, order) == order | {"status": "complete", "version": 1}


async def test_a_changed_password_ends_the_sessions_from_before(
    orders: RunningService, desk: httpx.AsyncClient, buyer: SessionUser
) -> None:
    await orders.bus.publish(
        new_event(UserChangedPassword, id=buyer.id, changed_at=next_millisecond())
    )

    async def is_refused() -> bool:
        return (await desk.get("/api/orders")).status_code == 401

    assert await eventually(is_refused)


@pytest.mark.parametrize("event", [listener.event for listener in listeners])
async def test_what_cannot_be_read_is_a_dead_letter(orders: RunningService, event: Any) -> None:
    await orders.bus.publish_raw(event, b'{"id": "nonsense"}')

    [letter] = await orders.bus.dead_letters(1)
    await orders.bus.wait_until_handled(listeners)

    assert letter.subject == f"dead-letter.orders.{event.subject}"
