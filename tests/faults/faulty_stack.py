"""The stack that the faults hit: two replicas of each service, short times, access to processes."""

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ticketing_common.topology import SERVICE_NAMES
from ticketing_dev.checkout import ROOT
from ticketing_dev.stack.folder import DataFolder
from ticketing_dev.stack.processes.ports import free_port
from ticketing_dev.stack.secrets import Secrets
from ticketing_ops.connections import BusConnection
from ticketing_testing.standins import StripeStandInClient

COMMAND = str(Path(sys.executable).with_name("ticketing"))
WINDOW_SECONDS, GRACE_SECONDS = 4, 6
REPLICAS = 2
AUDIT_SECONDS = 20
"""The time limit of one audit: a fraction of the time for which audits are repeated."""
PROVOKED = "provoked"
PROCESSES = [*SERVICE_NAMES, *(f"{service}-2" for service in SERVICE_NAMES)]


@dataclass(frozen=True)
class FaultyStack:
    """A running stack."""

    url: str
    data: Path

    @property
    def stripe(self) -> StripeStandInClient:
        secrets = Secrets.load_or_create(DataFolder(self.data).secrets)
        return StripeStandInClient(
            f"http://{self.address('stripe')}", {"Authorization": f"Bearer {secrets.stripe}"}
        )

    @property
    def nats_url(self) -> str:
        return BusConnection.load(self.data).nats_url

    def address(self, process: str) -> str:
        return str(self._state(process)["address"])

    def pid(self, process: str) -> int | None:
        pid: int | None = self._state(process)["pid"]
        return pid

    def _state(self, name: str) -> dict[str, Any]:
        state = json.loads((self.data / "state.json").read_text())
        [process] = [each for each in state["processes"] if each["name"] == name]
        return dict(process)

    def signal(self, process: str, number: signal.Signals) -> None:
        """Send a signal to a process, unless it is down right now."""
        pid = self.pid(process)
        if pid is not None:
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    def delete_data(self, process: str) -> None:
        """Delete the files of a process, except its log."""
        for each in (self.data / process).iterdir():
            if each.suffix != ".log":
                shutil.rmtree(each) if each.is_dir() else each.unlink()

    @property
    def provoked(self) -> int:
        """How often the disabled guard would have stopped something."""
        counts = self.data / PROVOKED
        return len(counts.read_text()) if counts.exists() else 0

    async def audit(self) -> tuple[int, dict[str, Any]]:
        """Run `ticketing audit`. Returns its exit status and its findings."""
        process = await asyncio.create_subprocess_exec(
            *(COMMAND, "audit", "--json", "--grace", "1", "--data", str(self.data)),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            async with asyncio.timeout(AUDIT_SECONDS):
                output, errors = await process.communicate()
        except TimeoutError:
            process.kill()
            await process.wait()
            return 2, {"errors": f"no result within {AUDIT_SECONDS} s"}
        try:
            return process.returncode or 0, json.loads(output)
        except json.JSONDecodeError:
            return process.returncode or 2, {"output": output.decode(), "errors": errors.decode()}


WIDE_LIMITS = {
    "LIMIT_LIVE_ORDERS_BY_ACCOUNT": "1000",
    "LIMIT_EXPIRED_ORDERS_BY_ACCOUNT": "1000 per minute",
    "LIMIT_DECLINES_BY_ACCOUNT": "1000 per minute",
    "LIMIT_LISTINGS_BY_ACCOUNT": "1000 per minute",
}
"""Simulated users do in a minute as much as others in a day."""


@contextmanager
def running_stack(data: Path, without: str | None = None) -> Iterator[FaultyStack]:
    """Run a stack for the block, without a guard if one is named."""
    port = free_port()
    folder = ["--data", str(data)]
    options = ["--port", str(port), "--window", str(WINDOW_SECONDS), "--replicas", str(REPLICAS)]
    env = {**os.environ, **WIDE_LIMITS, "PAYMENT_GRACE_SECONDS": str(GRACE_SECONDS)}
    program = [COMMAND]
    if without is not None:
        env |= {"DISABLED_GUARD": without, "DISABLED_GUARD_COUNT": str(data / PROVOKED)}
        env["PYTHONPATH"] = str(ROOT)
        program = [sys.executable, "-m", "tests.faults.up_without_guard"]
    command = [*program, "up", "--detach", "--no-client", *options, *folder]
    started = subprocess.run(command, env=env, stdout=subprocess.PIPE, text=True)
    assert started.returncode == 0, started.stdout
    try:
        yield FaultyStack(f"http://localhost:{port}", data)
    finally:
        subprocess.run([COMMAND, "down", *folder], check=True, stdout=subprocess.DEVNULL)
