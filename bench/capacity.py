"""Measure each pod: its memory against the manifest's limit, and its CPU time per user action.

Starts a stack of its own. USERS at a time sign in, read tickets through the API and as pages, and
buy. A process uses at most one core, so 1000 divided by the milliseconds is the rate of one pod, if
the stores keep up. A purchase repeats requests until the next service has consumed the events: the
figures include that.
"""

import argparse
import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial
from typing import Any

import httpx
import psutil
import yaml
from bench.report import machine_seconds
from bench.stack import run_command, start_stack, status
from rich.console import Console
from rich.table import Table

from ticketing_common.topology import SERVICE_NAMES
from ticketing_dev.checkout import ROOT
from ticketing_dev.stack.processes.ports import free_port

PODS = (*SERVICE_NAMES, "client")
USERS = 8
POLL_SECONDS = 0.05
SETTLE_SECONDS = 3
"""The time after the last action until its events are consumed and its mails are sent."""

console = Console(width=120)


class Pods:
    """The processes that are pods in a cluster, and their highest memory use."""

    def __init__(self, data: str) -> None:
        pids = {process["name"]: process["pid"] for process in status(data)["processes"]}
        self._processes = {pod: psutil.Process(pids[pod]) for pod in PODS}
        self.max_memory = self.memory()

    def memory(self) -> dict[str, float]:
        """Return MiB by pod, with all libraries: pods do not share them."""
        return self._each(lambda process: process.memory_info().rss / 2**20)

    def cpu_time(self) -> dict[str, float]:
        """Return the milliseconds of CPU time so far, by pod."""
        return self._each(lambda process: sum(process.cpu_times()[:2]) * 1000)

    @asynccontextmanager
    async def sampled(self) -> AsyncIterator[None]:
        """Record the highest memory use during the block."""

        async def sample() -> None:
            while True:
                now = self.memory()
                self.max_memory = {pod: max(self.max_memory[pod], now[pod]) for pod in PODS}
                await asyncio.sleep(POLL_SECONDS)

        sampling = asyncio.create_task(sample())
        yield
        sampling.cancel()
        with suppress(asyncio.CancelledError):
            await sampling

    def _each(self, figure: Callable[[psutil.Process], float]) -> dict[str, float]:
        return {
            pod: sum(figure(each) for each in (process, *process.children(recursive=True)))
            for pod, process in self._processes.items()
        }


class User(httpx.AsyncClient):
    """A user with an account and a listed ticket."""

    async def sign_up(self, number: int) -> None:
        email = f"capacity{number}.{time.time_ns()}@example.com"
        self.account = {"email": email, "password": "long enough"}
        await self.send_request("POST", "/api/users/signup", self.account)
        self.ticket = await self.list_ticket()

    async def sign_in(self) -> None:
        await self.send_request("POST", "/api/users/signin", self.account)

    async def read_tickets(self) -> None:
        await self.send_request("GET", "/api/tickets")
        await self.send_request("GET", f"/api/tickets/{self.ticket}")

    async def open_pages(self) -> None:
        await self.send_request("GET", "/")
        await self.send_request("GET", f"/tickets/{self.ticket}")

    async def buy(self) -> None:
        """List a ticket, order it and pay."""
        ticket = await self.list_ticket()
        order = await self.send_request("POST", "/api/orders", {"ticketId": ticket})
        payment = {"orderId": order.json()["id"], "token": "tok_visa"}
        await self.send_request("POST", "/api/payments", payment)

    async def list_ticket(self) -> str:
        response = await self.send_request("POST", "/api/tickets", {"title": "A seat", "price": 20})
        return str(response.json()["id"])

    async def send_request(self, method: str, path: str, body: object = None) -> httpx.Response:
        """Send a request, and repeat it while its service does not know the resource."""
        async with asyncio.timeout(30):
            while (response := await self.request(method, path, json=body)).status_code == 404:
                await asyncio.sleep(POLL_SECONDS)
        return response.raise_for_status()


ACTIONS: dict[str, tuple[int, Callable[[User], Awaitable[None]]]] = {
    "sign-in": (4, User.sign_in),
    "list and ticket": (50, User.read_tickets),
    "two pages": (15, User.open_pages),
    "purchase": (15, User.buy),
}
"""By name, how often each user does an action, and the action."""

Milliseconds = dict[str, float]
"""CPU time by pod."""


async def measure_cpu(
    pods: Pods, action: Callable[[], Awaitable[Any]]
) -> tuple[Milliseconds, float]:
    """Run an action and wait for its effects. Returns the CPU time and the duration in seconds."""
    before, start = pods.cpu_time(), time.perf_counter()
    await action()
    await asyncio.sleep(SETTLE_SECONDS)
    after, seconds = pods.cpu_time(), time.perf_counter() - start
    return {pod: after[pod] - before[pod] for pod in PODS}, seconds


async def repeat(
    users: Sequence[User], times: int, action: Callable[[User], Awaitable[None]]
) -> None:
    async def run(user: User) -> None:
        for _ in range(times):
            await action(user)

    await asyncio.gather(*map(run, users))


async def action_costs(pods: Pods, url: str) -> dict[str, Milliseconds]:
    """Return the CPU time of each action, without that of a pod at rest."""
    async with AsyncExitStack() as stack:
        users = [
            await stack.enter_async_context(User(base_url=url, timeout=10)) for _ in range(USERS)
        ]
        for number, user in enumerate(users):
            await user.sign_up(number)
        rest, rest_seconds = await measure_cpu(pods, lambda: asyncio.sleep(SETTLE_SECONDS))
        costs: dict[str, Milliseconds] = {}
        for name, (times, action) in ACTIONS.items():
            console.print(f"{name}: {USERS} users, {times} times each ...")
            used, seconds = await measure_cpu(pods, partial(repeat, users, times, action))
            costs[name] = {
                pod: max(0, used[pod] - rest[pod] / rest_seconds * seconds) / (times * USERS)
                for pod in PODS
            }
        return costs


def memory_limit(pod: str) -> float:
    """Return the limit in the manifest, in MiB."""
    documents = yaml.safe_load_all((ROOT / "infra" / "k8s" / f"{pod}.yaml").read_text())
    [deployment] = [each for each in documents if each["kind"] == "Deployment"]
    [container] = deployment["spec"]["template"]["spec"]["containers"]
    return float(container["resources"]["limits"]["memory"].removesuffix("Mi"))


async def measure(data: str, url: str) -> Table:
    """Measure all pods of a running stack."""
    pods = Pods(data)
    at_rest = pods.memory()
    async with pods.sampled():
        costs = await action_costs(pods, url)
    table = Table("pod", "MiB at rest", "at most", "limit", "ratio", box=None, padding=(0, 2, 0, 0))
    for action in costs:
        table.add_column(f"ms, {action}", justify="right")
    for pod in PODS:
        most, limit = pods.max_memory[pod], memory_limit(pod)
        memory = f"{at_rest[pod]:.0f}", f"{most:.0f}", f"{limit:.0f}", f"{most / limit:.2f}"
        table.add_row(pod, *memory, *(f"{costs[action][pod]:.1f}" for action in costs))
    return table


def main() -> None:
    argparse.ArgumentParser(prog="make bench-capacity", description=__doc__).parse_args()
    port = free_port()
    with tempfile.TemporaryDirectory() as data:
        try:
            console.print("Starting a stack ...")
            start_stack(port, data)
            table = asyncio.run(measure(data, f"http://localhost:{port}"))
        finally:
            run_command("down", "--data", data)
    console.print(table)
    console.print(f"Ten million additions in Python took {machine_seconds():.2f} s.")


if __name__ == "__main__":
    main()
