import asyncio
from collections import Counter
from functools import partial
from pathlib import Path

import httpx

from ticketing_common.events import OrderCreated, TicketCreated
from ticketing_common.web.sessions import COOKIE, Sessions
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
)

ROUNDS, BUYERS = 5, 30


async def test_of_thirty_buyers_at_two_processes_one_gets_the_ticket_every_time(
    environment: TestEnvironment, tmp_path: Path
) -> None:
    key = environment.settings()["jwt_key"]
    env = {"MONGO_URI": environment.mongo_uri, "NATS_URL": environment.nats_url, "JWT_KEY": key}
    processes = [
        Process(services.service("orders", free_port(), tmp_path / str(number), env))
        for number in range(2)
    ]
    sessions = Sessions([key])
    try:
        for process in processes:
            await asyncio.to_thread(process.start)
        async with Bus.open(environment.nats_url) as bus:
            desks = [
                httpx.AsyncClient(
                    base_url=processes[number % 2].spec.url,
                    cookies={COOKIE: sessions.issue(new_user())},
                    timeout=30,
                )
                for number in range(BUYERS)
            ]
            for round_number in range(1, ROUNDS + 1):
                ticket = new_event(TicketCreated)
                await bus.publish(ticket)
                await eventually(lambda ticket=ticket: _is_known(desks[0], ticket))  # type: ignore[misc]

                answers = await asyncio.gather(
                    *(
                        retry_while_busy(
                            partial(desk.post, "/api/orders", json={"ticketId": ticket.id})
                        )
                        for desk in desks
                    )
                )

                statuses = Counter(answer.status_code for answer in answers)
                assert statuses == {201: 1, 400: BUYERS - 1}
                told = await bus.published(OrderCreated, 2 * round_number)
                assert [each.ticket.id for each in told].count(ticket.id) == 2  # and the scout's
            for desk in desks:
                await desk.aclose()
    finally:
        for process in processes:
            await asyncio.to_thread(process.stop)


async def _is_known(scout: httpx.AsyncClient, ticket: TicketCreated) -> bool:
    """Whether orders has heard of the ticket: somebody orders it, and lets it go."""
    response = await scout.post("/api/orders", json={"ticketId": ticket.id})
    if response.status_code == 201:
        await scout.delete(f"/api/orders/{response.json()['id']}")
    return response.status_code == 201
