"""The whole system as its users reach it: over HTTP, through the ingress."""

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
from ticketing_testing.timeouts import ATTEMPT_SECONDS

COMMAND = str(Path(sys.executable).with_name("ticketing"))
PASSWORD = "correct horse battery staple"
WINDOW_SECONDS = 10
"""How long an order holds its ticket: long enough to pay, short enough to wait for its end."""

_numbers = itertools.count(1)


class RunningStack:
    """A running stack, and the browsers that are open on it."""

    def __init__(self, url: str, data: Path) -> None:
        self.url = url
        self._data = data
        self.browsers = AsyncExitStack()

    def status(self) -> dict[str, Any]:
        """Return the output of `ticketing status --json`."""
        command = [COMMAND, "status", "--json", "--data", str(self._data)]
        result: dict[str, Any] = json.loads(subprocess.check_output(command))
        return result

    @property
    def stripe(self) -> StripeStandInClient:
        """A client of the stand-in for Stripe."""
        [address] = [p["address"] for p in self.status()["processes"] if p["name"] == "stripe"]
        key = Secrets.load_or_create(DataFolder(self._data).secrets).stripe
        return StripeStandInClient(f"http://{address}", {"Authorization": f"Bearer {key}"})

    def run_command(
        self, *arguments: str, timeout: float = 480
    ) -> subprocess.CompletedProcess[str]:
        """Run a `ticketing` command on this stack. Raises: subprocess.TimeoutExpired."""
        command = [COMMAND, *arguments, "--data", str(self._data)]
        return subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)

    async def wait_for_clean_audit(self) -> Any:
        """Audit until there is no violation. Returns the report."""

        async def report() -> Any:
            try:
                audit = self.run_command("audit", "--json", "--grace", "1", timeout=ATTEMPT_SECONDS)
            except subprocess.TimeoutExpired as error:
                raise AssertionError(str(error)) from None
            assert audit.returncode == 0, audit.stdout + audit.stderr
            return json.loads(audit.stdout)

        return await eventually(report)

    def logs(self) -> str:
        """Return the logs of all processes."""
        logs = [*self._data.glob("*.log"), *self._data.glob("*/*.log")]
        return "".join(log.read_text() for log in logs)

    def kill(self, process: str) -> None:
        """Kill a process, as a crash would."""
        [pid] = [each["pid"] for each in self.status()["processes"] if each["name"] == process]
        os.kill(pid, signal.SIGKILL)

    async def open_browser(self) -> "Browser":
        """Return the browser of a user without an account."""
        browser = Browser(self, f"person{next(_numbers)}@example.com")
        return await self.browsers.enter_async_context(browser)

    async def sign_up(self) -> "Browser":
        """Return the browser of a new user who is signed in."""
        browser = await self.open_browser()
        response = await browser.post(
            "/api/users/signup", json={"email": browser.email, "password": PASSWORD}
        )
        assert response.status_code == 201, response.text
        return browser

    async def mails_to(self, email: str) -> list[dict[str, Any]]:
        """Return the mails to an address, the newest first."""
        browser = await self.open_browser()
        response = await browser.get("/dev/mail/api/mails", params={"to": email})
        mails: list[dict[str, Any]] = response.json()
        return mails

    async def wait_for_mail(self, email: str, subject: str) -> dict[str, Any]:
        """Return the newest mail to an address with a subject, once there is one."""

        async def newest() -> dict[str, Any]:
            mails = [m for m in await self.mails_to(email) if m["subject"] == subject]
            return mails[0] if mails else {}

        return await eventually(newest)


class Browser(httpx.AsyncClient):
    """A user's browser."""

    def __init__(self, stack: RunningStack, email: str) -> None:
        super().__init__(base_url=stack.url, timeout=30, verify=NO_TLS)
        self.email = email

    async def list_ticket(self, title: str = "Concert", price: float = 25) -> Any:
        """Create a ticket."""

        async def created() -> Any:
            response = await self.post("/api/tickets", json={"title": title, "price": price})
            assert response.status_code == 201, response.text
            return response.json()

        return await eventually(created)

    async def order(self, ticket: Any) -> Any:
        """Order a ticket, as soon as orders knows that it is free."""

        async def created() -> Any:
            response = await self.post("/api/orders", json={"ticketId": ticket["id"]})
            assert response.status_code == 201, response.text
            return response.json()

        return await eventually(created)

    async def pay(self, order: Any, token: str = "tok_visa") -> httpx.Response:
        """Pay an order, as soon as payments knows it."""

        async def response_for_known_order() -> httpx.Response:
            response = await self.post(
                "/api/payments", json={"orderId": order["id"], "token": token}
            )
            assert response.status_code != 404
            return response

        return await eventually(response_for_known_order)

    async def wait_for_ticket(self, ticket: Any, **fields: Any) -> Any:
        """Return the ticket, once its fields have these values."""
        return await self._wait_for(f"/api/tickets/{ticket['id']}", fields)

    async def wait_for_order(self, order: Any, **fields: Any) -> Any:
        """Return the order, once its fields have these values."""
        return await self._wait_for(f"/api/orders/{order['id']}", fields)

    async def _wait_for(self, path: str, fields: dict[str, Any]) -> Any:
        async def matching() -> Any:
            body = (await self.get(path)).json()
            assert {name: body.get(name) for name in fields} == fields, body
            return body

        return await eventually(matching)


@contextmanager
def running_stack(data: Path, *options: str) -> Iterator[RunningStack]:
    """Run a stack for the block, as `ticketing up` starts it with these options."""
    port = free_port()
    folder = ["--data", str(data)]
    up = ["up", "--detach", "--no-client", "--port", str(port), "--window", str(WINDOW_SECONDS)]
    env = os.environ | {"LIMIT_EXPIRED_ORDERS_BY_ACCOUNT": "1000 per minute"}  # with a short window
    subprocess.run([COMMAND, *up, *options, *folder], check=True, env=env)
    try:
        yield RunningStack(f"http://localhost:{port}", data)
    finally:
        subprocess.run([COMMAND, "down", *folder], check=True)
