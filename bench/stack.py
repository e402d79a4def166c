"""What a running stack costs, and how soon a ticket shows that it is held.

Starts a stack of its own twice (cold data, then warm), lets it rest, then orders tickets one by one
through the ingress. Prints each figure beside its limit and their ratio: below 1 is within it.
"""

import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx
import psutil
from rich.console import Console
from rich.table import Table

from ticketing_dev.stack.processes.ports import free_port

COMMAND = str(Path(sys.executable).with_name("ticketing"))
REST_SECONDS = 20
ORDERS = 300

console = Console()


def ticketing(*words: str) -> str:
    return subprocess.run([COMMAND, *words], check=True, stdout=subprocess.PIPE, text=True).stdout


def additions() -> float:
    """Seconds that ten million additions take: how quick the machine is while we measure."""
    began = time.perf_counter()
    for number in range(10_000_000):
        number + 1
    return time.perf_counter() - began


def up(port: int, data: str) -> float:
    """Seconds until all is ready."""
    began = time.perf_counter()
    # A window that nobody reaches: else the orders that were measured expire beside the next ones.
    window = ["--window", "3600"]
    ticketing("up", "--detach", "--port", str(port), "--data", data, *window)
    return time.perf_counter() - began


def status(data: str) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(ticketing("status", "--json", "--data", data))
    return said


def processes(data: str) -> list[psutil.Process]:
    """The supervisor and everything below it."""
    supervisor = psutil.Process(status(data)["pid"])
    return [supervisor, *supervisor.children(recursive=True)]


def cpu_seconds(running: list[psutil.Process]) -> float:
    return sum(sum(process.cpu_times()[:2]) for process in running)


def at_rest(data: str) -> tuple[float, float]:
    """Mebibytes of memory, shared pages counted once, and percent of one core; nobody visits."""
    time.sleep(5)
    running = processes(data)
    before, began = cpu_seconds(running), time.perf_counter()
    time.sleep(REST_SECONDS)
    percent = (cpu_seconds(running) - before) / (time.perf_counter() - began) * 100
    return sum(process.memory_full_info().pss for process in running) / 2**20, percent


async def hold_time(person: httpx.AsyncClient, ticket_id: str) -> float:
    """Milliseconds from the order's 201 to the ticket showing it, to within a look's time."""
    while (await person.post("/api/orders", json={"ticketId": ticket_id})).status_code != 201:
        await asyncio.sleep(0.05)
    began = time.perf_counter()
    while (await person.get(f"/api/tickets/{ticket_id}")).json()["orderId"] is None:
        await asyncio.sleep(0.002)  # less would measure what the looking costs
    return (time.perf_counter() - began) * 1000


async def hold_times(url: str) -> list[float]:
    """Milliseconds from each order's 201 to the ticket showing the order."""
    async with httpx.AsyncClient(base_url=url) as person:
        account = {"email": f"bench{time.time_ns()}@example.com", "password": "long enough"}
        (await person.post("/api/users/signup", json=account)).raise_for_status()
        times = []
        for number in range(ORDERS):
            offer = {"title": f"Bench {number}", "price": 10}
            ticket = (await person.post("/api/tickets", json=offer)).json()
            async with asyncio.timeout(30):
                times.append(await hold_time(person, ticket["id"]))
        return times


def main() -> None:
    port = free_port()
    with tempfile.TemporaryDirectory() as data:
        try:
            console.print("Starting a stack ...")
            first = up(port, data)
            ticketing("down", "--data", data)
            warm = up(port, data)
            console.print(f"Resting for {REST_SECONDS} s ...")
            mebibytes, percent = at_rest(data)
            console.print(f"Ordering {ORDERS} tickets ...")
            times = asyncio.run(hold_times(f"http://localhost:{port}"))
        finally:
            ticketing("down", "--data", data)
    p99 = statistics.quantiles(times, n=100)[98]
    table = Table("figure", "measured", "limit", "ratio", box=None, padding=(0, 2, 0, 0))
    for figure, value, limit, unit in [
        ("start with empty data", first, 10, "s"),
        ("warm start", warm, 10, "s"),
        ("memory at rest", mebibytes, 1536, "MiB"),
        ("CPU at rest", percent, 5, "% of a core"),
        ("order's 201 to held ticket, p50", statistics.median(times), 30, "ms"),
        ("order's 201 to held ticket, p99", p99, 150, "ms"),
    ]:
        table.add_row(figure, f"{value:.1f} {unit}", f"{limit} {unit}", f"{value / limit:.2f}")
    console.print(table)
    console.print(f"Ten million additions in Python took {additions():.2f} s here, just now.")


if __name__ == "__main__":
    main()
