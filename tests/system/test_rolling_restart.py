"""A restart of all services, one by one, while buyers use the stack: no request fails."""

import asyncio
import json
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.system.stack import Browser, RunningStack, running_stack

# Stacks run one after the other: two at once overload a small machine.
pytestmark = pytest.mark.xdist_group("stack")

BUYERS = 6
PAUSE_SECONDS = 0.1
"""Between two requests of a buyer: the processes need the CPU for their start."""
STREAMS = 2
SLOW_CHARGES = 3
SLOW_SECONDS = 8
"""The duration of some charges: longer than a stopping process waits before it accepts no more
requests."""


class Buyer:
    """A user who lists, reads, orders and pays, and counts the outcome of each request."""

    def __init__(self, browser: Browser, outcomes: Counter[str]) -> None:
        self._browser = browser
        self._outcomes = outcomes

    async def run(self, until: asyncio.Event) -> None:
        while not until.is_set():
            ticket = await self._send("POST", "tickets", {"title": "A seat", "price": 20})
            await self._send("GET", "tickets")
            await self._send("GET", "users/currentuser")
            if ticket is None:
                continue
            order = await self._send("POST", "orders", {"ticketId": ticket["id"]})
            if order is not None:
                await self._send("POST", "payments", {"orderId": order["id"], "token": "tok_visa"})
                await self._send("GET", f"orders/{order['id']}")

    async def _send(self, method: str, path: str, body: object = None) -> dict[str, str] | None:
        """Pause, and send a request. Returns the created resource, None after any other status."""
        request = f"{method} {path.partition('/')[0]}"
        await asyncio.sleep(PAUSE_SECONDS)
        try:
            # A new connection each, as from many users: httpx does not retry on a closed one.
            async with httpx.AsyncClient(
                base_url=self._browser.base_url, cookies=self._browser.cookies, timeout=30
            ) as http:
                response = await http.request(method, f"/api/{path}", json=body)
        except httpx.HTTPError as error:
            self._outcomes[f"{request}: {error!r}"] += 1
            return None
        later = " with Retry-After" if "Retry-After" in response.headers else ""
        self._outcomes[f"{request}: {response.status_code}{later}"] += 1
        created: dict[str, str] | None = response.json() if response.status_code == 201 else None
        return created


@pytest.mark.timeout(900)
async def test_rolling_restart_fails_no_request(tmp_path: Path) -> None:
    with running_stack(tmp_path, "--replicas", "2") as stack:
        outcomes, restart = await restart_under_load(stack)

        assert restart.returncode == 0, describe_failure(stack, restart.stderr)
        assert restart.stdout.count(" restarted in ") == 12
        failed = {outcome for outcome in outcomes if not is_expected(outcome)}
        assert not failed, outcomes
        await stack.wait_for_clean_audit()
    print(restart.stdout, f"{outcomes.total()} requests", *outcomes.most_common(), sep="\n")


async def restart_under_load(stack: RunningStack) -> tuple[Counter[str], Any]:
    outcomes: Counter[str] = Counter()
    ended = asyncio.Event()
    async with stack.browsers:
        browsers = [await stack.sign_up() for _ in range(BUYERS)]
        await stack.stripe.add_fault("delay", seconds=SLOW_SECONDS, times=SLOW_CHARGES)
        async with asyncio.TaskGroup() as buying:
            stream = buying.create_task(read_stream(browsers[0], outcomes))
            for browser in browsers:
                buying.create_task(Buyer(browser, outcomes).run(ended))
            restart = await asyncio.to_thread(stack.run_command, "restart")
            ended.set()
            stream.cancel()
    return outcomes, restart


async def read_stream(browser: Browser, outcomes: Counter[str]) -> None:
    """Read a stream, and open it again after its process has stopped, a few times.

    A stopping process waits for open streams.
    """
    for _ in range(STREAMS):
        async with browser.stream("GET", "/api/tickets/stream") as response:
            outcomes[f"GET stream: {response.status_code}"] += 1
            with suppress(httpx.RemoteProtocolError):
                async for _ in response.aiter_raw():
                    pass


def describe_failure(stack: RunningStack, error: str) -> str:
    """Return the error with the last log lines of the process that it names."""
    log = stack.run_command("logs", error.partition(" ")[0]).stdout.splitlines()
    return "\n".join([error, *log[-40:], json.dumps(stack.status()["processes"])])


def is_expected(outcome: str) -> bool:
    """Return whether an outcome is no failure.

    404: the next service does not know the ticket or order yet. 400: the time to pay was over. And
    payments itself, not the ingress, may respond that Stripe was slower than its timeout: on an
    overloaded machine a slow charge is.
    """
    request, _, status = outcome.partition(": ")
    if outcome == "POST payments: 503 with Retry-After":
        return True
    return status in ("200", "201") or (request.startswith("POST") and status in ("400", "404"))
