"""Purchases: list, order, cancel, expire and pay."""

import asyncio
from collections import Counter
from functools import partial

import pytest
from tests.system.stack import RunningStack

from ticketing_testing import retry_while_busy

pytestmark = pytest.mark.xdist_group("stack")


async def test_purchase_completes_the_order_and_sells_the_ticket(stack: RunningStack) -> None:
    seller, buyer = await stack.sign_up(), await stack.sign_up()
    ticket = await seller.list_ticket("Kraftwerk", 49.5)

    order = await buyer.order(ticket)
    terms = {"title": "Kraftwerk", "price": 49.5, "version": 0}
    assert order["ticket"] == {"id": ticket["id"], **terms}
    await seller.wait_for_ticket(ticket, orderId=order["id"], version=1)
    paid = await buyer.pay(order)

    assert paid.status_code == 201
    assert paid.json()["orderId"] == order["id"]
    await buyer.wait_for_order(order, status="complete")
    sold = await seller.wait_for_ticket(ticket, orderId=order["id"])
    changed = await seller.put(f"/api/tickets/{ticket['id']}", json={"title": "x", "price": 1})
    assert changed.status_code == 400
    assert ticket["id"] not in [each["id"] for each in (await buyer.get("/api/tickets")).json()]
    assert sold["id"] in [
        each["id"] for each in (await seller.get("/api/tickets?seller=me")).json()
    ]
    assert [each["id"] for each in (await buyer.get("/api/orders")).json()] == [order["id"]]
    await stack.wait_for_mail(buyer.email, "Your ticket: Kraftwerk")
    await stack.wait_for_mail(buyer.email, "Receipt: Kraftwerk")
    await stack.wait_for_mail(seller.email, "Sold: Kraftwerk")
    again = await buyer.pay(order)
    assert again.status_code == 400


async def test_cancelled_order_releases_the_ticket(stack: RunningStack) -> None:
    seller, first, second = [await stack.sign_up() for _ in range(3)]
    ticket = await seller.list_ticket()
    order = await first.order(ticket)
    refused = await second.post("/api/orders", json={"ticketId": ticket["id"]})
    assert refused.json() == {
        "errors": [{"code": "ticket_reserved", "message": "Ticket is already reserved"}]
    }

    cancelled = await first.delete(f"/api/orders/{order['id']}")

    assert cancelled.status_code == 204
    next_order = await second.order(ticket)
    await seller.wait_for_ticket(ticket, orderId=next_order["id"])
    assert (await first.pay(order)).status_code == 400
    await first.wait_for_order(order, status="cancelled")
    await stack.wait_for_mail(first.email, "Cancelled: Concert")


async def test_unpaid_order_expires_and_releases_the_ticket(stack: RunningStack) -> None:
    seller, first, second = [await stack.sign_up() for _ in range(3)]
    ticket = await seller.list_ticket()
    order = await first.order(ticket)
    await seller.wait_for_ticket(ticket, orderId=order["id"])

    await first.wait_for_order(order, status="cancelled")

    await seller.wait_for_ticket(ticket, orderId=None)
    assert (await first.pay(order)).status_code == 400
    await second.pay(await second.order(ticket))
    mail = await stack.wait_for_mail(first.email, "Expired: Concert")
    assert "You did not pay" in mail["text"]
    assert "in time" in mail["text"]


async def test_one_of_thirty_concurrent_buyers_gets_the_ticket(stack: RunningStack) -> None:
    seller = await stack.sign_up()
    buyers = await asyncio.gather(*(stack.sign_up() for _ in range(30)))
    ticket = await seller.list_ticket("The last one")
    # After this order and its cancellation, orders knows that the ticket is free.
    await seller.delete(f"/api/orders/{(await seller.order(ticket))['id']}")

    responses = await asyncio.gather(
        *(
            retry_while_busy(partial(buyer.post, "/api/orders", json={"ticketId": ticket["id"]}))
            for buyer in buyers
        )
    )

    assert Counter(response.status_code for response in responses) == {201: 1, 400: 29}
    [winner] = [response.json() for response in responses if response.status_code == 201]
    await seller.wait_for_ticket(ticket, orderId=winner["id"])


async def test_declined_card_can_be_followed_by_another(stack: RunningStack) -> None:
    seller, buyer = await stack.sign_up(), await stack.sign_up()
    order = await buyer.order(await seller.list_ticket())

    declined = await buyer.pay(order, "tok_chargeDeclinedInsufficientFunds")

    assert declined.status_code == 402
    assert declined.json() == {
        "errors": [{"code": "payment_declined", "message": "Your card has insufficient funds."}]
    }
    await buyer.wait_for_order(order, status="awaiting:payment")
    assert (await buyer.pay(order)).status_code == 201
    await buyer.wait_for_order(order, status="complete")


async def test_ten_concurrent_payments_make_one_charge(stack: RunningStack) -> None:
    seller, buyer = await stack.sign_up(), await stack.sign_up()
    order = await buyer.order(await seller.list_ticket("Once", 33))
    payload = {"orderId": order["id"], "token": "tok_visa"}

    responses = await asyncio.gather(
        buyer.pay(order), *(buyer.post("/api/payments", json=payload) for _ in range(9))
    )

    statuses = Counter(response.status_code for response in responses)
    assert statuses[201] == 1
    assert set(statuses) <= {201, 400, 404, 409}
    await buyer.wait_for_order(order, status="complete")


async def test_seller_can_order_their_own_ticket(stack: RunningStack) -> None:
    seller = await stack.sign_up()

    order = await seller.order(await seller.list_ticket())

    assert (await seller.pay(order)).status_code == 201
