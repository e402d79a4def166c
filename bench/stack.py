"""A stack of its own for a measurement: its processes, stores and users."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import psutil
from bench.report import Figure
from bson import ObjectId
from pymongo import MongoClient

from ticketing_common.sessions.keys import SigningKey
from ticketing_common.sessions.tokens import Session, SessionUser, TokenSigner
from ticketing_common.topology import SERVICE_NAMES
from ticketing_common.web.sessions import COOKIE
from ticketing_dev.stack.folder import DataFolder
from ticketing_dev.stack.processes.ports import free_port
from ticketing_dev.stack.secrets import Secrets
from ticketing_ops.connections import Connections

COMMAND = str(Path(sys.executable).with_name("ticketing"))
REST_SECONDS = 20
WINDOW_SECONDS = 3600
"""Orders never expire: expirations would be measured together with later orders."""

WIDE_LIMITS = {
    "LIMIT_LIVE_ORDERS_BY_ACCOUNT": "100000",
    "LIMIT_LISTINGS_BY_ACCOUNT": "100000 per second",
    "LIMIT_SIGN_INS_BY_ADDRESS": "100000 per second",
    "LIMIT_WRITES_BY_ADDRESS": "100000 per second",
}
"""A measurement sends the requests of many people from one address and few accounts."""


def run_command(*arguments: str) -> str:
    """Run a `ticketing` command. Returns its output."""
    command = [COMMAND, *arguments]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def start_stack(port: int, data: str, *options: str) -> float:
    """Start a stack. Returns the seconds until it is ready."""
    start = time.perf_counter()
    window = ["--window", str(WINDOW_SECONDS)]
    os.environ.update(WIDE_LIMITS)
    run_command("up", "--detach", "--port", str(port), "--data", data, *window, *options)
    return time.perf_counter() - start


def status(data: str) -> dict[str, Any]:
    """Return the status of the stack."""
    state: dict[str, Any] = json.loads(run_command("status", "--json", "--data", data))
    return state


@dataclass(frozen=True)
class User:
    """A signed-in user."""

    id: str
    token: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Cookie": f"{COOKIE}={self.token}"}


@dataclass(frozen=True)
class Stack:
    """A running stack."""

    url: str
    data: str

    @classmethod
    @contextmanager
    def running(cls, *options: str) -> Iterator["Stack"]:
        """Run a stack for the block."""
        with tempfile.TemporaryDirectory(prefix="bench-") as data:
            port = free_port()
            start_stack(port, data, *options)
            try:
                yield cls(f"http://localhost:{port}", data)
            finally:
                run_command("down", "--data", data)

    def process(self, name: str) -> psutil.Process:
        return psutil.Process(self._state(name)["pid"])

    def address(self, name: str) -> str:
        """Return the base URL of a process, without the ingress."""
        return f"http://{self._state(name)['address']}"

    def _state(self, name: str) -> dict[str, Any]:
        [state] = [each for each in status(self.data)["processes"] if each["name"] == name]
        return dict(state)

    @property
    def connections(self) -> Connections:
        return Connections.load(Path(self.data))

    def database(self, service: str) -> Any:
        """Return the database of a service, for reading and for seeding."""
        client: MongoClient[dict[str, Any]] = MongoClient(
            self.connections.mongo_uri(service), tz_aware=True
        )
        return client.get_default_database()

    def sign_up(self, count: int) -> list[User]:
        """Return new users. Their passwords are never hashed: services trust a signed session."""
        secrets = Secrets.load_or_create(DataFolder(Path(self.data)).secrets)
        signer, now = TokenSigner(SigningKey.parse(secrets.session_key)), datetime.now(UTC)
        ids = [ObjectId() for _ in range(count)]
        emails = {each: f"{each}@example.com" for each in ids}
        self.database("contact")["recipients"].insert_many(
            [{"_id": each, "email": emails[each]} for each in ids]
        )
        return [
            User(str(each), signer.sign(Session.issue(user, str(ObjectId()), now)))
            for each in ids
            for user in [SessionUser(id=str(each), email=emails[each])]
        ]

    @contextmanager
    def without(self, *services: str) -> Iterator[None]:
        """Stop the processes of some services during the block."""
        processes = [self.process(service) for service in services]
        for process in processes:
            process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            for process in processes:
                process.send_signal(signal.SIGCONT)

    def others(self, service: str) -> list[str]:
        return [name for name in SERVICE_NAMES if name != service]

    def processes(self) -> list[psutil.Process]:
        """Return the supervisor and all its descendants."""
        supervisor = psutil.Process(status(self.data)["pid"])
        return [supervisor, *supervisor.children(recursive=True)]


def cpu_seconds(processes: Sequence[psutil.Process]) -> float:
    return sum(sum(process.cpu_times()[:2]) for process in processes)


async def measure_rest() -> list[Figure]:
    """Measure the start of a stack with empty data and with existing data, then its idle cost."""
    with tempfile.TemporaryDirectory(prefix="bench-") as data:
        port = free_port()
        try:
            cold_start = start_stack(port, data)
            run_command("down", "--data", data)
            warm_start = start_stack(port, data)
            await asyncio.sleep(5)
            running = Stack(f"http://localhost:{port}", data).processes()
            before, start = cpu_seconds(running), time.perf_counter()
            await asyncio.sleep(REST_SECONDS)
            percent = (cpu_seconds(running) - before) / (time.perf_counter() - start) * 100
            mebibytes = sum(process.memory_full_info().pss for process in running) / 2**20
        finally:
            run_command("down", "--data", data)
    at_most = partial(Figure.at_most, "Start and rest")
    return [
        at_most("start with empty data", cold_start, "s", 10),
        at_most("warm start", warm_start, "s", 10),
        at_most("memory at rest", mebibytes, "MiB", 700),
        at_most("CPU at rest", percent, "% of a core", 3),
    ]
