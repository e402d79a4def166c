"""Routes against bare handlers that make the same reads and writes, in alternating rounds."""

import asyncio
import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle, repeat
from random import Random

import httpx
from beanie import PydanticObjectId
from bench.bare import PASSWORD
from bench.data import insert_bare_tickets, insert_tickets
from bench.load import Connection, load, percentile, request
from bench.report import Figure, console, median_and_spread
from bench.stack import Stack, User

from ticketing_common.web.pagination import Cursor
from ticketing_dev.stack.processes.ports import HOST, free_port
from ticketing_dev.stack.processes.services import uvicorn_command

ROUNDS = 7
ROUND_SECONDS = 1.0
CONNECTIONS = 16
TICKETS = 5_000
ORDERED_TICKETS = 8_000
SIGN_IN_CONNECTIONS = 4
DEEP_OFFSET = 20
"""Keeps the deep page within one batch of inserted tickets: see docs/reads.md on gaps."""
GROWTH = (100, 10_000, 100_000)


@dataclass(frozen=True)
class Comparison:
    """The same work by a route and by a bare handler, as prepared requests."""

    name: str
    ours: Sequence[bytes]
    bare: Sequence[bytes]
    our_url: str
    goal: float
    connections: int = CONNECTIONS
    once: bool = False
    """Whether each request can succeed only once."""


@contextmanager
def bare_server(stack: Stack) -> Iterator[str]:
    """Serve the bare handlers on the stores of the stack."""
    port = free_port()
    env = {**os.environ, "MONGO_URI": stack.connections.tickets_mongo_uri}
    with subprocess.Popen(uvicorn_command("bench.bare:app", port), env=env) as process:
        url = f"http://{HOST}:{port}"
        try:
            with httpx.Client(transport=httpx.HTTPTransport(retries=20)) as client:
                client.get(f"{url}/tickets").raise_for_status()
            yield url
        finally:
            process.terminate()


async def compare(comparison: Comparison, bare_url: str) -> tuple[list[float], list[float]]:
    """Return the ratios of our rate to the bare one, and our latencies in ms, by round."""
    both = {}
    for url in (comparison.our_url, bare_url):
        both[url] = [await Connection.open(url) for _ in range(comparison.connections)]
    ratios, latencies = [], []
    our_requests, bare_requests = (
        iter(requests) if comparison.once else cycle(requests)
        for requests in (comparison.ours, comparison.bare)
    )
    try:
        for number in range(ROUNDS + 1):
            ours = await load(both[comparison.our_url], our_requests, ROUND_SECONDS)
            bare = await load(both[bare_url], bare_requests, ROUND_SECONDS)
            if ours.failed or bare.failed:
                console.print(f"  {comparison.name}: {dict(ours.statuses)} {dict(bare.statuses)}")
            if number > 0:  # the first round warms both up
                ratios.append(ours.rate / bare.rate)
                latencies.append(percentile(ours.latencies, 50) * 1000)
    finally:
        for connection in (*both[comparison.our_url], *both[bare_url]):
            connection.close()
    return ratios, latencies


async def measure_routes() -> list[Figure]:
    """Measure reads and writes with the other services stopped and running."""
    figures = []
    with Stack.running("--no-client") as stack, bare_server(stack) as bare:
        [seller] = stack.sign_up(1)
        ids = insert_tickets(stack, TICKETS, seller.id)
        with stack.without(*stack.others("tickets")):
            for comparison in [
                *_reads(stack, bare, ids),
                *_ticket_writes(stack, bare, seller, ids, goal=0.7),
            ]:
                figures.append(await _figure("Routes, other services stopped", comparison, bare))
        with stack.without(*stack.others("orders")):
            comparison = _orders(stack, bare, seller, goal=0.7)
            figures.append(await _figure("Routes, other services stopped", comparison, bare))
        for comparison in [
            *_ticket_writes(stack, bare, seller, ids, goal=0.35),
            _orders(stack, bare, seller, goal=0.35),
        ]:
            figures.append(await _figure("Routes, every service running", comparison, bare))
    return figures


async def measure_growth() -> list[Figure]:
    """Measure each read at the least and at greater numbers of tickets."""
    figures, reads = [], ("first page", "by price", "deep page", "search", "one ticket")
    medians: dict[str, list[float]] = {read: [] for read in reads}
    with Stack.running("--no-client") as stack:
        [seller] = stack.sign_up(1)
        ids: list[str] = []
        for count in GROWTH:
            ids += insert_tickets(stack, count - len(ids), seller.id)
            await asyncio.sleep(3)  # cached pages expire
            url = f"{stack.address('tickets')}/api/tickets"
            targets = [
                f"{url}?limit=49",
                f"{url}?sort=price",
                f"{url}?cursor={_cursor(ids[len(ids) // 2 - DEEP_OFFSET])}",
                f"{url}?q=number{count // 2}",
                f"{url}/{ids[count // 3]}",
            ]
            with stack.without(*stack.others("tickets")):
                for read, target in zip(reads, targets, strict=True):
                    medians[read].append(await _median_latency(target))
    for read, values in medians.items():
        detail = ", ".join(
            f"{count}: {value:.1f} ms" for count, value in zip(GROWTH, values, strict=True)
        )
        console.print(f"  {read}: {detail}")
        ratio = values[-1] / values[0]
        figures.append(
            Figure(
                "Growth of reads",
                read,
                ratio,
                f"x from {GROWTH[0]} to {GROWTH[-1]} tickets",
                1.3,
                False,
                detail,
            )
        )
    return figures


async def _median_latency(url: str) -> float:
    """Return the median latency of one connection, in ms."""
    connection = await Connection.open(url)
    try:
        measured = await load([connection], repeat(request("GET", url)), 2 * ROUND_SECONDS)
    finally:
        connection.close()
    return percentile(measured.latencies, 50) * 1000


async def _figure(section: str, comparison: Comparison, bare_url: str) -> Figure:
    ratios, latencies = await compare(comparison, bare_url)
    ratio, spread = median_and_spread(ratios)
    detail = f"{spread}; p50 {median_and_spread(latencies)[0]:.1f} ms"
    console.print(f"  {comparison.name}: {ratio:.2f} ({detail})")
    return Figure(
        section, comparison.name, ratio, "of the bare handler", comparison.goal, detail=detail
    )


def _reads(stack: Stack, bare: str, ids: Sequence[str]) -> list[Comparison]:
    ours, deep = f"{stack.address('tickets')}/api/tickets", ids[len(ids) // 2]
    some = Random(2).sample(ids, 200)
    targets = [
        ("GET one ticket", [f"/{each}" for each in some], [f"/{each}" for each in some], 1.0),
        ("GET first page", [""], [""], 1.0),
        ("GET deep page", [f"?cursor={_cursor(deep)}"], [f"?before={deep}"], 0.8),
        ("GET search", ["?q=number12"], ["?q=number12"], 0.8),
    ]
    return [
        Comparison(
            name,
            [request("GET", f"{ours}{target}") for target in our_targets],
            [request("GET", f"{bare}/tickets{target}") for target in bare_targets],
            ours,
            goal,
        )
        for name, our_targets, bare_targets, goal in targets
    ]


def _cursor(ticket_id: str) -> str:
    """Return the cursor after a ticket in the list of the newest tickets."""
    return str(Cursor(ticket_id, PydanticObjectId(ticket_id)))


def _ticket_writes(
    stack: Stack, bare: str, seller: User, ids: Sequence[str], goal: float
) -> list[Comparison]:
    ours, body = f"{stack.address('tickets')}/api/tickets", {"title": "Rock Festival", "price": 20}
    bare_ids = insert_bare_tickets(stack, 500)
    return [
        Comparison(
            "POST ticket",
            [request("POST", ours, seller.headers, body)],
            [request("POST", f"{bare}/tickets", body=body)],
            ours,
            goal,
        ),
        Comparison(
            "PUT ticket",
            [request("PUT", f"{ours}/{each}", seller.headers, body) for each in ids[:500]],
            [request("PUT", f"{bare}/tickets/{each}", body=body) for each in bare_ids],
            ours,
            goal,
        ),
    ]


def _orders(stack: Stack, bare: str, buyer: User, goal: float) -> Comparison:
    """Compare orders. Each ticket is ordered once, so there are more than the rounds need."""
    ours = f"{stack.address('orders')}/api/orders"
    our_ids = insert_tickets(stack, ORDERED_TICKETS, buyer.id)
    bare_ids = insert_bare_tickets(stack, ORDERED_TICKETS)
    return Comparison(
        "POST order",
        [request("POST", ours, buyer.headers, {"ticketId": each}) for each in our_ids],
        [request("POST", f"{bare}/orders", body={"ticketId": each}) for each in bare_ids],
        ours,
        goal,
        once=True,
    )


async def measure_sign_in() -> list[Figure]:
    """Measure sign-ins, and other requests beside them."""
    with Stack.running("--no-client") as stack, bare_server(stack) as bare:
        return await _measure_sign_in(stack, bare)


async def _measure_sign_in(stack: Stack, bare: str) -> list[Figure]:
    """Compare sign-ins with the hash alone, and `currentuser` beside sign-ins with it alone."""
    ours = f"{stack.address('auth')}/api/users"
    account = {"email": "bench@example.com", "password": PASSWORD}
    connections = [await Connection.open(ours) for _ in range(SIGN_IN_CONNECTIONS)]
    [reader, *signing_in] = connections
    await reader.send(request("POST", f"{ours}/signup", body=account))
    sign_in = request("POST", f"{ours}/signin", body=account)
    comparison = Comparison(
        "sign-in",
        [sign_in],
        [request("POST", f"{bare}/verify")],
        ours,
        0.7,
        connections=SIGN_IN_CONNECTIONS,
    )
    figures = [await _figure("Sign-in", comparison, bare)]
    [user] = stack.sign_up(1)
    current_user = repeat(request("GET", f"{ours}/currentuser", user.headers))
    ratios = []
    for _ in range(ROUNDS):
        alone = await load([reader], current_user, ROUND_SECONDS)
        beside, _ = await asyncio.gather(
            load([reader], current_user, ROUND_SECONDS),
            load(signing_in, repeat(sign_in), ROUND_SECONDS),
        )
        p99s = [percentile(each.latencies, 99) * 1000 for each in (alone, beside)]
        ratios.append(p99s[1] / p99s[0])
    for connection in connections:
        connection.close()
    ratio, spread = median_and_spread(ratios)
    name, detail = "p99 of currentuser beside sign-ins", f"{spread}; p99 {p99s[1]:.1f} ms"
    figures.append(Figure("Sign-in", name, ratio, "x alone", 2, False, detail))
    return figures
