"""Argon2id password hashes, computed in threads beside the event loop."""

import asyncio
import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TypeVar

from passlib.hash import argon2

from ticketing_common.admission import AdmissionQueue
from ticketing_common.errors import Unavailable
from ticketing_common.limits.address import current_address

T = TypeVar("T")

THREADS = 2
"""A hash costs tens of milliseconds and 19 MiB on purpose."""
MAX_WAITING = 40
"""Hashes that may wait. The last one waits for about a second."""
MAX_WAIT_SECONDS = 5
NICENESS = 10
"""Of the threads: the event loop comes first, and a busy machine still hashes."""


class TooManySignIns(Unavailable):
    """Too many passwords are being checked. Try again after `Retry-After` seconds."""

    code = "too_many_sign_ins"
    message = "Too many people are signing in right now. Try again soon."


async def hash_password(password: str) -> str:
    """Return the hash to store for a password. Raises: TooManySignIns."""
    return await _run_in_pool(_scheme.hash, password)


async def verify_password(password: str, password_hash: str | None) -> bool:
    """Return whether the password has this hash.

    Without a hash the result is False, after the same time: the response time of a sign-in must not
    reveal whether there is an account. Raises: TooManySignIns.
    """
    matches = await _run_in_pool(_scheme.verify, password, password_hash or _DUMMY_HASH)
    return matches and password_hash is not None


def needs_upgrade(password_hash: str) -> bool:
    """Return whether the hash has other parameters than a new one would have."""
    return bool(_scheme.needs_update(password_hash))


async def _run_in_pool(function: Callable[..., T], *args: str) -> T:
    async with _queue.slot(current_address.get()):
        return await asyncio.get_running_loop().run_in_executor(_pool, function, *args)


def _lower_priority() -> None:
    """Give the cores to the event loop first: other requests must not wait for hashes."""
    if sys.platform == "linux":  # elsewhere it is the priority of the whole process
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)


_queue = AdmissionQueue(
    THREADS, TooManySignIns, max_wait_seconds=MAX_WAIT_SECONDS, max_waiting=MAX_WAITING
)
_pool = ThreadPoolExecutor(THREADS, thread_name_prefix="argon2", initializer=_lower_priority)
# OWASP's minimum parameters for Argon2id.
_scheme = argon2.using(type="ID", memory_cost=19_456, time_cost=2, parallelism=1)
_DUMMY_HASH = _scheme.hash("dummy")
