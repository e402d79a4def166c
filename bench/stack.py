"""Measure a local stack: start time, memory and CPU at rest, and the delay of a reservation.

Starts a stack of its own twice (with empty data, then warm), measures it at rest, then orders
tickets one by one through the ingress. Prints each figure, its limit and their ratio: below 1 is
within the limit.
"""

import argparse
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


def run_command(*arguments: str) -> str:
    """Run a `ticketing` command. Returns its output."""
    command = [COMMAND, *arguments]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def machine_seconds() -> float:
    """Return the seconds for ten million additions: the speed of the machine at this time."""
    start = time.perf_counter()
    for number in range(10_000_000):
        number + 1
    return time.perf_counter() - start


def start_stack(port: int, data: str) -> float:
    """Start a stack. Returns the seconds until it is ready."""
    start = time.perf_counter()
    # Orders never expire: expirations would be measured together with later orders.
    window = ["--window", "3600"]
    run_command("up", "--detach", "--port", str(port), "--data", data, *window)
    return time.perf_counter() - start


def status(data: str) -> dict[str, Any]:
    """Return the status of the stack."""
    state: dict[str, Any] = json.loads(run_command("status", "--json", "--data", data))
    return state


def processes(data: str) -> list[psutil.Process]:
    """Return the supervisor and all its descendants."""
    supervisor = psutil.Process(status(data)["pid"])
    return [supervisor, *supervisor.children(recursive=True)]


def cpu_seconds(running: list[psutil.Process]) -> float:
    return sum(sum(process.cpu_times()[:2]) for process in running)


def measure_at_rest(data: str) -> tuple[float, float]:
    """Return MiB of memory, shared pages counted once, and percent of one core, without users."""
    time.sleep(5)
    running = processes(data)
    before, start = cpu_seconds(running), time.perf_counter()
    time.sleep(REST_SECONDS)
    percent = (cpu_seconds(running) - before) / (time.perf_counter() - start) * 100
    return sum(process.memory_full_info().pss for process in running) / 2**20, percent


async def reservation_delay(buyer: httpx.AsyncClient, ticket_id: str) -> float:
    """Order a ticket. Returns the milliseconds from the 201 until the ticket shows the order."""
    while (await buyer.post("/api/orders", json={"ticketId": ticket_id})).status_code != 201:
        await asyncio.sleep(0.05)
    start = time.perf_counter()
    while (await buyer.get(f"/api/tickets/{ticket_id}")).json()["orderId"] is None:
        await asyncio.sleep(0.002)  # a shorter delay would measure the cost of the requests
    return (time.perf_counter() - start) * 1000


async def reservation_delays(url: str) -> list[float]:
    """Return the delays of ORDERS orders."""
    async with httpx.AsyncClient(base_url=url) as buyer:
        account = {"email": f"bench{time.time_ns()}@example.com", "password": "long enough"}
        (await buyer.post("/api/users/signup", json=account)).raise_for_status()
        delays = []
        for number in range(ORDERS):
            body = {"title": f"Bench {number}", "price": 10}
            ticket = (await buyer.post("/api/tickets", json=body)).json()
            async with asyncio.timeout(30):
                delays.append(await reservation_delay(buyer, ticket["id"]))
        return delays


def main() -> None:
    argparse.ArgumentParser(prog="make bench", description=__doc__).parse_args()
    port = free_port()
    with tempfile.TemporaryDirectory() as data:
        try:
            console.print("Starting a stack ...")
            cold_start = start_stack(port, data)
            run_command("down", "--data", data)
            warm_start = start_stack(port, data)
            console.print(f"Measuring at rest for {REST_SECONDS} s ...")
            mebibytes, percent = measure_at_rest(data)
            console.print(f"Ordering {ORDERS} tickets ...")
            delays = asyncio.run(reservation_delays(f"http://localhost:{port}"))
        finally:
            run_command("down", "--data", data)
    p99 = statistics.quantiles(delays, n=100)[98]
    table = Table("figure", "measured", "limit", "ratio", box=None, padding=(0, 2, 0, 0))
    for figure, value, limit, unit in [
        ("start with empty data", cold_start, 10, "s"),
        ("warm start", warm_start, 10, "s"),
        ("memory at rest", mebibytes, 1536, "MiB"),
        ("CPU at rest", percent, 5, "% of a core"),
        ("reservation delay, p50", statistics.median(delays), 30, "ms"),
        ("reservation delay, p99", p99, 150, "ms"),
    ]:
        table.add_row(figure, f"{value:.1f} {unit}", f"{limit} {unit}", f"{value / limit:.2f}")
    console.print(table)
    console.print(f"Ten million additions in Python took {machine_seconds():.2f} s.")


if __name__ == "__main__":
    main()
