"""Concurrent orders of one ticket at two replicas of orders."""

import asyncio
from collections import Counter
from functools import partial
from pathlib import Path

import httpx

from ticketing_common.events import OrderCreated, TicketCreated
from ticketing_dev.stack.processes import services
from ticketing_dev.stack.processes.ports import free_port
from ticketing_dev.stack.supervision.process import Process
from ticketing_testing import (
    Bus,
    TestEnvironment,
    eventually,
    new_event,
    new_user,
    retry_while_busy,
    session_cookies,
)
from ticketing_testing.processes import environment_variables

ROUNDS, BUYERS = 5, 30


async def test_one_of_thirty_buyers_at_two_replicas_gets_the_ticket(
    environment: TestEnvironment, tmp_path: Path
) -> None:
    env = environment_variables(environment.settings())
    replicas = [
        Process(services.service("orders", free_port(), tmp_path / str(number), env))
        for number in range(2)
    ]
    try:
        async with Bus.open(environment.nats_url, "orders") as bus:
            await asyncio.gather(*(asyncio.to_thread(replica.start) for replica in replicas))
            buyers = [
                httpx.AsyncClient(
                    base_url=replicas[number % 2].spec.url,
                    cookies=session_cookies(new_user()),
                    timeout=30,
                )
                for number in range(BUYERS)
            ]
            for round_number in range(1, ROUNDS + 1):
                ticket = new_event(TicketCreated)
                await bus.publish(ticket)
                await eventually(partial(_is_orderable, buyers[0], ticket))

                responses = await asyncio.gather(
                    *(
                        retry_while_busy(
                            partial(buyer.post, "/api/orders", json={"ticketId": ticket.id})
                        )
                        for buyer in buyers
                    )
                )

                statuses = Counter(response.status_code for response in responses)
                assert statuses == {201: 1, 400: BUYERS - 1}
                created = await bus.published(OrderCreated, 2 * round_number)
                # One of them is the order of _is_orderable.
                assert [event.ticket.id for event in created].count(ticket.id) == 2
            for buyer in buyers:
                await buyer.aclose()
    finally:
        for replica in replicas:
            await asyncio.to_thread(replica.stop)


async def _is_orderable(buyer: httpx.AsyncClient, ticket: TicketCreated) -> bool:
    """Order the ticket and cancel the order. Returns False while orders does not know it."""
    response = await buyer.post("/api/orders", json={"ticketId": ticket.id})
    if response.status_code == 201:
        await buyer.delete(f"/api/orders/{response.json()['id']}")
    return response.status_code == 201
