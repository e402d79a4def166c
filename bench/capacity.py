"""What a pod takes: memory beside its manifest's limit, and processor time for what people do.

Starts a stack of its own and has `PEOPLE` at a time sign in, look at tickets through the API and as
pages, and buy. A process uses one core at most, so 1000 divided by the milliseconds is how often a
pod does it in a second, where the stores keep up. A purchase asks again until the next service has
heard of it: that is in its figures.
"""

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
from bench.stack import additions, status, ticketing, up
from rich.console import Console
from rich.table import Table

from ticketing_common.topology import SERVICE_NAMES
from ticketing_dev.checkout import ROOT
from ticketing_dev.stack.processes.ports import free_port

PODS = (*SERVICE_NAMES, "client")
PEOPLE = 8
LOOK_SECONDS = 0.05
SETTLING_SECONDS = 3
"""After the last deed: its events are heard, its mails are sent."""

console = Console(width=120)


class Pods:
    """The processes that are pods in a cluster, and the most memory that each was seen with."""

    def __init__(self, data: str) -> None:
        pids = {part["name"]: part["pid"] for part in status(data)["processes"]}
        self._processes = {pod: psutil.Process(pids[pod]) for pod in PODS}
        self.most = self.memory()

    def memory(self) -> dict[str, float]:
        """Mebibytes, libraries and all: in a pod nobody shares them."""
        return self._each(lambda process: process.memory_info().rss / 2**20)

    def processor(self) -> dict[str, float]:
        """Milliseconds that each has used so far."""
        return self._each(lambda process: sum(process.cpu_times()[:2]) * 1000)

    @asynccontextmanager
    async def watched(self) -> AsyncIterator[None]:
        async def watch() -> None:
            while True:
                now = self.memory()
                self.most = {pod: max(self.most[pod], now[pod]) for pod in PODS}
                await asyncio.sleep(LOOK_SECONDS)

        watching = asyncio.create_task(watch())
        yield
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching

    def _each(self, figure: Callable[[psutil.Process], float]) -> dict[str, float]:
        return {
            pod: sum(figure(each) for each in (process, *process.children(recursive=True)))
            for pod, process in self._processes.items()
        }


class Person(httpx.AsyncClient):
    """Somebody who has an account, and a ticket that nobody buys."""

    async def join(self, number: int) -> None:
        email = f"capacity{number}.{time.time_ns()}@example.com"
        self.account = {"email": email, "password": "long enough"}
        await self.done("POST", "/api/users/signup", self.account)
        self.ticket = await self.list_a_ticket()

    async def sign_in(self) -> None:
        await self.done("POST", "/api/users/signin", self.account)

    async def look(self) -> None:
        await self.done("GET", "/api/tickets")
        await self.done("GET", f"/api/tickets/{self.ticket}")

    async def open_pages(self) -> None:
        await self.done("GET", "/")
        await self.done("GET", f"/tickets/{self.ticket}")

    async def buy(self) -> None:
        """From a ticket that is listed to one that is paid."""
        ticket = await self.list_a_ticket()
        order = await self.done("POST", "/api/orders", {"ticketId": ticket})
        paid = {"orderId": order.json()["id"], "token": "tok_visa"}
        await self.done("POST", "/api/payments", paid)

    async def list_a_ticket(self) -> str:
        listed = await self.done("POST", "/api/tickets", {"title": "A seat", "price": 20})
        return str(listed.json()["id"])

    async def done(self, method: str, path: str, body: object = None) -> httpx.Response:
        """Asked until its service has heard of what it is about."""
        async with asyncio.timeout(30):
            while (answer := await self.request(method, path, json=body)).status_code == 404:
                await asyncio.sleep(LOOK_SECONDS)
        return answer.raise_for_status()


DEEDS: dict[str, tuple[int, Callable[[Person], Awaitable[None]]]] = {
    "sign-in": (4, Person.sign_in),
    "list and ticket": (50, Person.look),
    "two pages": (15, Person.open_pages),
    "purchase": (15, Person.buy),
}
"""What each person does, how often."""

Milliseconds = dict[str, float]
"""Of processor time, by pod."""


async def used(pods: Pods, deed: Callable[[], Awaitable[Any]]) -> tuple[Milliseconds, float]:
    """What a deed and its consequences take, and for how many seconds they went on."""
    before, began = pods.processor(), time.perf_counter()
    await deed()
    await asyncio.sleep(SETTLING_SECONDS)
    after, seconds = pods.processor(), time.perf_counter() - began
    return {pod: after[pod] - before[pod] for pod in PODS}, seconds


async def repeat(
    people: Sequence[Person], times: int, deed: Callable[[Person], Awaitable[None]]
) -> None:
    async def again(person: Person) -> None:
        for _ in range(times):
            await deed(person)

    await asyncio.gather(*map(again, people))


async def costs(pods: Pods, url: str) -> dict[str, Milliseconds]:
    """What each of DEEDS takes, done once, without what the pods take at rest."""
    async with AsyncExitStack() as browsers:
        people = [
            await browsers.enter_async_context(Person(base_url=url, timeout=30))
            for _ in range(PEOPLE)
        ]
        for number, person in enumerate(people):
            await person.join(number)
        rest, rested = await used(pods, lambda: asyncio.sleep(SETTLING_SECONDS))
        found: dict[str, Milliseconds] = {}
        for name, (times, deed) in DEEDS.items():
            console.print(f"{name}: {PEOPLE} people, {times} times each ...")
            took, seconds = await used(pods, partial(repeat, people, times, deed))
            found[name] = {
                pod: max(0, took[pod] - rest[pod] / rested * seconds) / (times * PEOPLE)
                for pod in PODS
            }
        return found


def limit(pod: str) -> float:
    """Mebibytes that the manifest allows."""
    documents = yaml.safe_load_all((ROOT / "infra" / "k8s" / f"{pod}.yaml").read_text())
    [deployment] = [each for each in documents if each["kind"] == "Deployment"]
    [container] = deployment["spec"]["template"]["spec"]["containers"]
    return float(container["resources"]["limits"]["memory"].removesuffix("Mi"))


async def measure(data: str, url: str) -> Table:
    pods = Pods(data)
    at_rest = pods.memory()
    async with pods.watched():
        found = await costs(pods, url)
    table = Table("pod", "MiB at rest", "at most", "limit", "ratio", box=None, padding=(0, 2, 0, 0))
    for deed in found:
        table.add_column(f"ms, {deed}", justify="right")
    for pod in PODS:
        most, allowed = pods.most[pod], limit(pod)
        memory = f"{at_rest[pod]:.0f}", f"{most:.0f}", f"{allowed:.0f}", f"{most / allowed:.2f}"
        table.add_row(pod, *memory, *(f"{found[deed][pod]:.1f}" for deed in found))
    return table


def main() -> None:
    port = free_port()
    with tempfile.TemporaryDirectory() as data:
        try:
            console.print("Starting a stack ...")
            up(port, data)
            table = asyncio.run(measure(data, f"http://localhost:{port}"))
        finally:
            ticketing("down", "--data", data)
    console.print(table)
    console.print(f"Ten million additions in Python took {additions():.2f} s here, just now.")


if __name__ == "__main__":
    main()
