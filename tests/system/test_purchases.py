import asyncio
from collections import Counter
from functools import partial

import pytest
from tests.system.stack import Market

from ticketing_testing import retry_while_busy

pytestmark = pytest.mark.xdist_group("market")


async def test_somebody_sells_a_ticket_and_another_buys_it(market: Market) -> None:
    seller, buyer = await market.somebody(), await market.somebody()
    ticket = await seller.offer("Kraftwerk", 49.5)

    order = await buyer.order(ticket)
    assert order["ticket"] == {"id": ticket["id"], "title": "Kraftwerk", "price": 49.5}
    await seller.sees_ticket(ticket, orderId=order["id"], version=1)
    paid = await buyer.pay(order)

    assert paid.status_code == 201
    assert paid.json()["orderId"] == order["id"]
    await buyer.sees_order(order, status="complete")
    sold = await seller.sees_ticket(ticket, orderId=order["id"])
    changed = await seller.put(f"/api/tickets/{ticket['id']}", json={"title": "x", "price": 1})
    assert changed.status_code == 400
    assert ticket["id"] not in [each["id"] for each in (await buyer.get("/api/tickets")).json()]
    assert sold["id"] in [
        each["id"] for each in (await seller.get("/api/tickets?seller=me")).json()
    ]
    assert [each["id"] for each in (await buyer.get("/api/orders")).json()] == [order["id"]]
    await market.mail_to(buyer.email, "Your ticket: Kraftwerk")
    await market.mail_to(buyer.email, "Receipt: Kraftwerk")
    await market.mail_to(seller.email, "Sold: Kraftwerk")
    again = await buyer.pay(order)
    assert again.status_code == 400


async def test_somebody_cancels_and_another_orders(market: Market) -> None:
    seller, first, second = [await market.somebody() for _ in range(3)]
    ticket = await seller.offer()
    order = await first.order(ticket)
    refused = await second.post("/api/orders", json={"ticketId": ticket["id"]})
    assert refused.json() == {
        "errors": [{"code": "ticket_reserved", "message": "Ticket is already reserved"}]
    }

    cancelled = await first.delete(f"/api/orders/{order['id']}")

    assert cancelled.status_code == 204
    next_order = await second.order(ticket)
    await seller.sees_ticket(ticket, orderId=next_order["id"])
    assert (await first.pay(order)).status_code == 400
    await first.sees_order(order, status="cancelled")
    await market.mail_to(first.email, "Cancelled: Concert")


async def test_somebody_lets_the_time_pass_and_the_ticket_is_free_again(market: Market) -> None:
    seller, first, second = [await market.somebody() for _ in range(3)]
    ticket = await seller.offer()
    order = await first.order(ticket)
    await seller.sees_ticket(ticket, orderId=order["id"])

    await first.sees_order(order, status="cancelled")

    await seller.sees_ticket(ticket, orderId=None)
    assert (await first.pay(order)).status_code == 400
    await second.pay(await second.order(ticket))
    mail = await market.mail_to(first.email, "Cancelled: Concert")
    assert "not paid for in time" in mail["text"]


async def test_of_thirty_buyers_at_once_one_gets_the_ticket(market: Market) -> None:
    seller = await market.somebody()
    buyers = await asyncio.gather(*(market.somebody() for _ in range(30)))
    ticket = await seller.offer("The last one")
    # Once the seller could order it and has let it go, orders knows it, and it is free.
    await seller.delete(f"/api/orders/{(await seller.order(ticket))['id']}")

    answers = await asyncio.gather(
        *(
            retry_while_busy(partial(buyer.post, "/api/orders", json={"ticketId": ticket["id"]}))
            for buyer in buyers
        )
    )

    assert Counter(answer.status_code for answer in answers) == {201: 1, 400: 29}
    [winner] = [answer.json() for answer in answers if answer.status_code == 201]
    await seller.sees_ticket(ticket, orderId=winner["id"])


async def test_a_declined_card_can_be_followed_by_another(market: Market) -> None:
    seller, buyer = await market.somebody(), await market.somebody()
    order = await buyer.order(await seller.offer())

    declined = await buyer.pay(order, "tok_chargeDeclinedInsufficientFunds")

    assert declined.status_code == 402
    assert declined.json() == {"errors": [{"message": "Your card has insufficient funds."}]}
    await buyer.sees_order(order, status="awaiting:payment")
    assert (await buyer.pay(order)).status_code == 201
    await buyer.sees_order(order, status="complete")


async def test_ten_payments_at_once_make_one_charge(market: Market) -> None:
    seller, buyer = await market.somebody(), await market.somebody()
    order = await buyer.order(await seller.offer("Once", 33))
    wish = {"orderId": order["id"], "token": "tok_visa"}

    answers = await asyncio.gather(
        buyer.pay(order), *(buyer.post("/api/payments", json=wish) for _ in range(9))
    )

    statuses = Counter(answer.status_code for answer in answers)
    assert statuses[201] == 1
    assert set(statuses) <= {201, 400, 404, 409}
    await buyer.sees_order(order, status="complete")


async def test_an_order_of_ones_own_ticket_is_fine(market: Market) -> None:
    seller = await market.somebody()

    order = await seller.order(await seller.offer())

    assert (await seller.pay(order)).status_code == 201
