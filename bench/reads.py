"""Compare the reads of tickets with bare handlers that make the same queries.

Serves both from one process each, on one MongoDB with TICKETS tickets, and sends requests to them
in turn. Prints the ratio of requests per second and of CPU time: above 1, tickets is faster or
cheaper than the bare handler.
"""

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import psutil
from bson import ObjectId
from pymongo import AsyncMongoClient
from rich.console import Console
from rich.table import Table
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ticketing_common.events import utc_now
from ticketing_dev.stack.processes import servers
from ticketing_dev.stack.processes.ports import free_port
from ticketing_dev.stack.supervision.process import Process
from tickets.models import search_terms

ROUNDS, REQUESTS, CLIENTS = 5, 400, 8
TITLES = ("Concert", "Opera", "Match", "Festival", "Musical")
FIELDS = {"title": 1, "price": 1, "user_id": 1, "order_id": 1, "version": 1}

console = Console()


def bare_app() -> Starlette:
    """Return the bare handlers. A cursor is the last value of the page before."""
    client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(os.environ["MONGO_URI"])
    tickets = client.get_default_database()["tickets"]

    def shown(row: dict[str, Any]) -> dict[str, Any]:
        return {
            "id": str(row["_id"]),
            "title": row["title"],
            "price": row["price"] / 100,
            "userId": row["user_id"],
            "orderId": row["order_id"],
            "version": row["version"],
        }

    def answer(content: object) -> Response:
        return Response(json.dumps(content), media_type="application/json")

    async def one(request: Request) -> Response:
        row = await tickets.find_one({"_id": ObjectId(request.path_params["id"])}, FIELDS)
        return answer(shown(row)) if row else Response(status_code=404)

    async def many(request: Request) -> Response:
        query = request.query_params
        where: dict[str, Any] = {"order_id": None}
        field, direction = ("price", 1) if query.get("sort") == "price" else ("_id", -1)
        if "q" in query:
            where["search_terms"] = query["q"]
        # A range that is as wide as a page, so that the embedded server reads no more than it.
        if "after" in query:
            after, until = query["after"], query["until"]
            where[field] = (
                {"$gt": int(after), "$lte": int(until)}
                if field == "price"
                else {"$lt": ObjectId(after), "$gte": ObjectId(until)}
            )
        found = tickets.find(where, FIELDS).sort({field: direction, "_id": direction}).limit(51)
        return answer([shown(row) for row in await found.to_list()][:50])

    return Starlette(routes=[Route("/api/tickets", many), Route("/api/tickets/{id}", one)])


async def fill(uri: str, count: int) -> None:
    """Insert tickets."""
    client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(uri)
    collection = client.get_default_database()["tickets"]
    seller = str(ObjectId())
    async with client:
        for start in range(0, count, 1000):
            titles = [
                f"{TITLES[number % 5]} seat{number % 997}"
                for number in range(start, min(count, start + 1000))
            ]
            await collection.insert_many(
                [
                    {
                        "title": title,
                        "price": 1000 + hash(title) % 9000,
                        "user_id": seller,
                        "order_id": None,
                        "version": 0,
                        "search_terms": search_terms(title),
                        "created_at": utc_now(),
                    }
                    for title in titles
                ]
            )


class Server:
    """One uvicorn process."""

    def __init__(self, app: str, env: dict[str, str]) -> None:
        self.url = f"http://127.0.0.1:{(port := free_port())}"
        command = [sys.executable, "-m", "uvicorn", "--factory", app, "--port", str(port)]
        command += ["--no-access-log", "--log-level", "warning", "--timeout-keep-alive", "60"]
        self.process = subprocess.Popen(command, env=os.environ | env | {"LOG_LEVEL": "WARNING"})
        self._usage = psutil.Process(self.process.pid)

    def cpu_seconds(self) -> float:
        times = self._usage.cpu_times()
        return float(times.user + times.system)

    async def measure(self, client: httpx.AsyncClient, paths: list[str]) -> tuple[float, float]:
        """Request each path. Returns requests per second, and milliseconds of CPU per request."""
        before, start = self.cpu_seconds(), time.perf_counter()
        waiting = iter(paths)

        async def work() -> None:
            for path in waiting:
                (await client.get(self.url + path)).raise_for_status()

        await asyncio.gather(*(work() for _ in range(CLIENTS)))
        seconds = time.perf_counter() - start
        return len(paths) / seconds, (self.cpu_seconds() - before) / len(paths) * 1000


async def deep_paths(
    client: httpx.AsyncClient, url: str, query: str
) -> tuple[list[str], list[str]]:
    """Return the paths of the pages from 2 to 9, for tickets and for the bare handlers."""
    field = "price" if "price" in query else "id"
    path = f"/api/tickets?{query}"
    ours: list[str] = []
    bare: list[str] = []
    previous = (await client.get(url + path)).raise_for_status()
    while "link" in previous.headers and len(ours) < 8:
        path = previous.headers["link"].split(">")[0][1:]
        page = (await client.get(url + path)).raise_for_status()
        ours.append(path)
        values = [each.json()[-1][field] for each in (previous, page)]
        after, until = (round(v * 100) if field == "price" else v for v in values)
        bare.append(f"/api/tickets?{query}&after={after}&until={until}")
        previous = page
    return ours, bare


async def compare(tickets: Server, bare: Server) -> list[tuple[str, float, float, float]]:
    """Return name, both ratios and the CPU milliseconds of tickets for each kind of read."""
    rows = []
    async with httpx.AsyncClient(timeout=60) as client:
        for server in (tickets, bare):
            await _wait(client, server)
        listed = (await client.get(f"{tickets.url}/api/tickets?limit=100")).json()
        kinds: dict[str, tuple[list[str], list[str]]] = {}
        one = [f"/api/tickets/{ticket['id']}" for ticket in listed]
        kinds["one ticket of 5"], kinds["one ticket of 100"] = (one[:5],) * 2, (one,) * 2
        for name, query in (("first page", ""), ("first page by price", "sort=price")):
            kinds[name] = [f"/api/tickets?{query}"], [f"/api/tickets?{query}"]
        for query in ("limit=50", "sort=price"):
            kinds[f"deep pages, {query}"] = await deep_paths(client, tickets.url, query)
        kinds["search, rare"] = (["/api/tickets?q=seat77"],) * 2
        for name, (ours, theirs) in kinds.items():
            speeds, costs, own = [], [], []
            for _ in range(ROUNDS):
                fast = await tickets.measure(client, ours * (REQUESTS // len(ours)))
                base = await bare.measure(client, theirs * (REQUESTS // len(theirs)))
                speeds.append(fast[0] / base[0])
                costs.append(base[1] / fast[1])
                own.append(fast[1])
            speed, cost, cpu = map(statistics.median, (speeds, costs, own))
            rows.append((name, speed, cost, cpu))
    return rows


async def _wait(client: httpx.AsyncClient, server: Server) -> None:
    url = f"{server.url}/api/tickets"
    for _ in range(200):
        try:
            if (await client.get(url)).is_success:
                return
        except httpx.TransportError:
            pass
        await asyncio.sleep(0.1)
    raise TimeoutError(url)


def run(count: int, mongo_uri: str | None) -> Table:
    """Measure with this many tickets, in a MongoDB of its own or at the URI without a database."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        mongo = servers.mongo(free_port(), Path(folder) / "mongo", durable=False)
        nats = servers.nats(free_port(), Path(folder) / "nats", durable=False)
        for spec in (nats,) if mongo_uri else (mongo, nats):
            process = Process(spec)
            stack.callback(process.kill)
            process.start()
        uri = f"{mongo_uri}/bench{count}" if mongo_uri else mongo.uri("bench")
        env = {"MONGO_URI": uri, "NATS_URL": nats.url, "JWT_KEY": "x" * 32}
        tickets = Server("tickets.app:create_app", env)
        stack.callback(tickets.process.kill)
        bare = Server("bench.reads:bare_app", env)
        stack.callback(bare.process.kill)

        async def measure() -> list[tuple[str, float, float, float]]:
            async with httpx.AsyncClient() as client:
                await _wait(client, tickets)  # it creates the indexes
            await fill(uri, count)
            return await compare(tickets, bare)

        table = Table(
            f"{count:,} tickets", "requests/s", "CPU", "ms CPU", box=None, padding=(0, 2, 0, 0)
        )
        for name, speed, cost, own in asyncio.run(measure()):
            table.add_row(name, f"{speed:.2f}", f"{cost:.2f}", f"{own:.2f}")
        return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tickets", nargs="*", type=int, default=[1000])
    parser.add_argument("--mongo", help="an empty MongoDB, instead of one for this run")
    arguments = parser.parse_args()
    for count in arguments.tickets:
        console.print(run(count, arguments.mongo))


if __name__ == "__main__":
    main()
