"""The whole market as its visitors see it: over HTTP, through the ingress."""

import itertools
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx

from ticketing_dev.stack.folder import DataFolder
from ticketing_dev.stack.processes.ports import free_port
from ticketing_dev.stack.secrets import Secrets
from ticketing_testing import eventually
from ticketing_testing.http import NO_TLS
from ticketing_testing.standins import StripeStandInClient

COMMAND = str(Path(sys.executable).with_name("ticketing"))
PASSWORD = "correct horse battery staple"
WINDOW_SECONDS = 20
"""How long an order holds its ticket: long enough to pay, short enough to wait for its end."""

_numbers = itertools.count(1)


class Market:
    """A running stack, and the browsers that are open on it."""

    def __init__(self, url: str, data: Path) -> None:
        self.url = url
        self._data = data
        self.browsers = AsyncExitStack()

    def status(self) -> dict[str, Any]:
        """What `ticketing status --json` says."""
        command = [COMMAND, "status", "--json", "--data", str(self._data)]
        result: dict[str, Any] = json.loads(subprocess.check_output(command))
        return result

    @property
    def stripe(self) -> StripeStandInClient:
        """The stand-in, with its bad days on demand."""
        [address] = [p["address"] for p in self.status()["processes"] if p["name"] == "stripe"]
        key = Secrets.load_or_create(DataFolder(self._data).secrets).stripe
        return StripeStandInClient(f"http://{address}", {"Authorization": f"Bearer {key}"})

    def ticketing(self, *words: str) -> subprocess.CompletedProcess[str]:
        """What a command of the operator's says about this market."""
        command = [COMMAND, *words, "--data", str(self._data)]
        return subprocess.run(command, capture_output=True, text=True, timeout=480, check=False)

    async def audited(self) -> Any:
        """What an audit tells of, once it finds everything in order."""

        async def in_order() -> Any:
            audit = self.ticketing("audit", "--json", "--grace", "3")
            assert audit.returncode == 0, audit.stdout + audit.stderr
            return json.loads(audit.stdout)

        return await eventually(in_order)

    def logs(self) -> str:
        """All that all parts have logged."""
        logs = [*self._data.glob("*.log"), *self._data.glob("*/*.log")]
        return "".join(log.read_text() for log in logs)

    def kill(self, process: str) -> None:
        """Kill a process, as a crash would."""
        [pid] = [each["pid"] for each in self.status()["processes"] if each["name"] == process]
        os.kill(pid, signal.SIGKILL)

    async def visitor(self) -> "Person":
        """Somebody without an account."""
        person = Person(self, f"person{next(_numbers)}@example.com")
        return await self.browsers.enter_async_context(person)

    async def somebody(self) -> "Person":
        """Somebody who has just signed up."""
        person = await self.visitor()
        response = await person.post(
            "/api/users/signup", json={"email": person.email, "password": PASSWORD}
        )
        assert response.status_code == 201, response.text
        return person

    async def mails_to(self, email: str) -> list[dict[str, Any]]:
        """The mails that somebody got, the newest first."""
        visitor = await self.visitor()
        response = await visitor.get("/dev/mail/api/mails", params={"to": email})
        mails: list[dict[str, Any]] = response.json()
        return mails

    async def mail_to(self, email: str, subject: str) -> dict[str, Any]:
        """One mail, once it has arrived."""

        async def arrived() -> dict[str, Any]:
            mails = [m for m in await self.mails_to(email) if m["subject"] == subject]
            return mails[0] if mails else {}

        return await eventually(arrived)


class Person(httpx.AsyncClient):
    """A visitor with a browser of their own."""

    def __init__(self, market: Market, email: str) -> None:
        super().__init__(base_url=market.url, timeout=30, verify=NO_TLS)
        self.email = email

    async def offer(self, title: str = "Concert", price: float = 25) -> Any:
        """Sell a ticket."""

        async def offered() -> Any:
            response = await self.post("/api/tickets", json={"title": title, "price": price})
            assert response.status_code == 201, response.text
            return response.json()

        return await eventually(offered)

    async def order(self, ticket: Any) -> Any:
        """Order a ticket, as soon as orders has heard that it is free."""

        async def taken() -> Any:
            response = await self.post("/api/orders", json={"ticketId": ticket["id"]})
            assert response.status_code == 201, response.text
            return response.json()

        return await eventually(taken)

    async def pay(self, order: Any, token: str = "tok_visa") -> httpx.Response:
        """Pay, as soon as payments has heard of the order."""

        async def answered() -> httpx.Response:
            response = await self.post(
                "/api/payments", json={"orderId": order["id"], "token": token}
            )
            assert response.status_code != 404
            return response

        return await eventually(answered)

    async def sees_ticket(self, ticket: Any, **wanted: Any) -> Any:
        """The ticket, once it is as wanted."""
        return await self._sees(f"/api/tickets/{ticket['id']}", wanted)

    async def sees_order(self, order: Any, **wanted: Any) -> Any:
        """The order, once it is as wanted."""
        return await self._sees(f"/api/orders/{order['id']}", wanted)

    async def _sees(self, address: str, wanted: dict[str, Any]) -> Any:
        async def as_wanted() -> Any:
            shown = (await self.get(address)).json()
            assert {name: shown.get(name) for name in wanted} == wanted, shown
            return shown

        return await eventually(as_wanted)


@contextmanager
def running_market(data: Path, *options: str) -> Iterator[Market]:
    """A stack of its own, as `ticketing up` starts it with these options."""
    port = free_port()
    where = ["--data", str(data)]
    up = ["up", "--detach", "--no-client", "--port", str(port), "--window", str(WINDOW_SECONDS)]
    subprocess.run([COMMAND, *up, *options, *where], check=True)
    try:
        yield Market(f"http://localhost:{port}", data)
    finally:
        subprocess.run([COMMAND, "down", *where], check=True)
