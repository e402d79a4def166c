"""Passwords are kept as Argon2id hashes, made beside the event loop."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from passlib.hash import argon2

# Argon2id takes tens of milliseconds and megabytes on purpose: two at once are enough a process.
_pool = ThreadPoolExecutor(max_workers=2, thread_name_prefix="argon2")
_scheme = argon2.using(type="ID", memory_cost=19_456, time_cost=2, parallelism=1)
_NOBODYS = _scheme.hash("the password of nobody")


async def hashed(password: str) -> str:
    """What to keep of a password. Parameters: OWASP's minimum for Argon2id."""
    return await asyncio.get_running_loop().run_in_executor(_pool, _scheme.hash, password)


async def matches(password: str, kept: str | None) -> bool:
    """Whether it is the password; takes as long where there is none to compare with."""
    right = await asyncio.get_running_loop().run_in_executor(
        _pool, _scheme.verify, password, kept or _NOBODYS
    )
    return right and kept is not None
