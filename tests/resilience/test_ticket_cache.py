"""The ticket caches of two processes while both change the same tickets."""

import asyncio
import json
import random
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import httpx

from ticketing_common.background import background
from ticketing_dev.stack.processes import services
from ticketing_dev.stack.processes.ports import free_port
from ticketing_testing import Bus, TestEnvironment, eventually, new_user, session_cookies
from ticketing_testing.http import NO_TLS
from ticketing_testing.processes import environment_variables, run_process
from ticketing_testing.timeouts import TIMEOUT_SECONDS

SECONDS = 5
TICKETS = 6
LISTS = ("/api/tickets", "/api/tickets?sort=price&limit=3", "/api/tickets?sort=-price&limit=2")
SEARCH = "/api/tickets?q=version"


class Reader:
    """Reads from one process, one request after the other. No version may go back."""

    def __init__(self, http: httpx.AsyncClient, dice: random.Random) -> None:
        self._http = http
        self._dice = dice
        self._versions: dict[str, int] = defaultdict(lambda: -1)
        self.reads = 0

    async def read_until_cancelled(self, tickets: Sequence[str]) -> None:
        paths = [*(f"/api/tickets/{ticket}" for ticket in tickets), *LISTS, SEARCH]
        while True:
            response = await self._http.get(self._dice.choice(paths))
            assert response.status_code == 200, response.text
            body = response.json()
            for ticket in body if isinstance(body, list) else [body]:
                assert ticket["version"] >= self._versions[ticket["id"]], response.url
                assert ticket["title"] == f"version {ticket['version']}"
                self._versions[ticket["id"]] = ticket["version"]
            self.reads += 1


async def write_until_cancelled(
    http: httpx.AsyncClient, tickets: Sequence[str], dice: random.Random
) -> None:
    """Change tickets. The title contains the version."""
    while True:
        url = f"/api/tickets/{dice.choice(tickets)}"
        fresh = await http.get(url, headers={"Cache-Control": "no-cache"})
        version = fresh.json()["version"] + 1
        changes = {"title": f"version {version}", "price": dice.randint(1, 9)}
        response = await http.put(url, json=changes)
        if response.status_code == 409:
            continue
        assert response.status_code == 200, response.text
        # Read-your-own-writes, in the process that wrote.
        seen = await http.get(url)
        assert seen.json()["version"] >= response.json()["version"]
        await asyncio.sleep(dice.random() / 50)


async def test_caches_never_go_back_and_agree_with_the_store_at_the_end(
    environment: TestEnvironment, tmp_path: Path
) -> None:
    dice = random.Random(7)
    cookie = session_cookies(new_user())
    env = environment_variables(environment.settings())
    first, second = (
        services.service("tickets", free_port(), tmp_path / str(number), env) for number in (1, 2)
    )
    options: dict[str, Any] = {"cookies": cookie, "timeout": TIMEOUT_SECONDS, "verify": NO_TLS}
    async with (
        Bus.open(environment.nats_url, "tickets"),
        run_process(first),
        run_process(second),
        httpx.AsyncClient(base_url=first.url, **options) as one,
        httpx.AsyncClient(base_url=second.url, **options) as two,
    ):
        tickets = []
        for _ in range(TICKETS):
            created = await one.post("/api/tickets", json={"title": "version 0", "price": 5})
            tickets.append(created.json()["id"])
        readers = [Reader(http, dice) for http in (one, two) for _ in range(3)]
        # Each writer has tickets of its own: titles then always name their version.
        async with background(
            *(reader.read_until_cancelled(tickets) for reader in readers),
            *(
                write_until_cancelled(http, own, dice)
                for http, own in ((one, tickets[::2]), (two, tickets[1::2]))
            ),
        ) as tasks:
            done, _ = await asyncio.wait(
                tasks, timeout=SECONDS, return_when=asyncio.FIRST_EXCEPTION
            )
            for task in done:
                with suppress(asyncio.CancelledError):
                    task.result()

        assert min(reader.reads for reader in readers) > 10
        for path in (*(f"/api/tickets/{ticket}" for ticket in tickets), *LISTS):
            await eventually(partial(_agree, path, one, two))


async def _agree(path: str, *processes: httpx.AsyncClient) -> bool:
    """Return whether all processes answer from their caches the same as from the store."""
    fresh = await processes[0].get(path, headers={"Cache-Control": "no-cache"})
    cached = [await http.get(path) for http in processes]
    return all(
        (json.loads(each.content), each.headers.get("link"), each.headers["etag"])
        == (fresh.json(), fresh.headers.get("link"), fresh.headers["etag"])
        for each in cached
    )
