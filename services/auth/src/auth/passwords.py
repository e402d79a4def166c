"""Passwords are kept as Argon2id hashes, made beside the event loop."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from passlib.hash import argon2

from ticketing_common.errors import Unavailable

T = TypeVar("T")

WAITING = 40
"""How many may wait for their password to be looked at: the last of them for about a second."""

# Argon2id takes tens of milliseconds and megabytes on purpose: two at once are enough a process.
_pool = ThreadPoolExecutor(max_workers=2, thread_name_prefix="argon2")
_scheme = argon2.using(type="ID", memory_cost=19_456, time_cost=2, parallelism=1)
_NOBODYS = _scheme.hash("the password of nobody")
_in_hand = 0


async def hashed(password: str) -> str:
    """What to keep of a password. Parameters: OWASP's minimum for Argon2id.

    Raises Unavailable where too many wait.
    """
    return await _in_turn(_scheme.hash, password)


async def matches(password: str, kept: str | None) -> bool:
    """Whether it is the password; takes as long where there is none to compare with.

    Raises Unavailable where too many wait.
    """
    right = await _in_turn(_scheme.verify, password, kept or _NOBODYS)
    return right and kept is not None


async def _in_turn(work: Callable[..., T], *args: str) -> T:
    global _in_hand
    if _in_hand >= WAITING:
        raise Unavailable("Too many sign in at once, try again soon")
    _in_hand += 1
    try:
        return await asyncio.get_running_loop().run_in_executor(_pool, work, *args)
    finally:
        _in_hand -= 1
