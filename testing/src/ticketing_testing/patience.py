"""How long a test waits for what should come in a moment."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import httpx

T = TypeVar("T")
COME_AGAIN = (409, 503)

PATIENCE_SECONDS = 60.0
"""Only a test that fails waits so long; on a busy machine a moment can be long."""


async def eventually(ask: Callable[[], Awaitable[T]]) -> T:
    """Ask until the answer is truthy or asserting stops failing; returns the answer."""
    deadline = asyncio.get_running_loop().time() + PATIENCE_SECONDS
    while True:
        try:
            if answer := await ask():
                return answer
            failure: AssertionError = AssertionError(
                f"still {answer!r} after {PATIENCE_SECONDS:.0f} s"
            )
        except AssertionError as error:
            failure = error
        if asyncio.get_running_loop().time() > deadline:
            raise failure
        await asyncio.sleep(0.02)


async def persistently(ask: Callable[[], Awaitable[httpx.Response]]) -> httpx.Response:
    """The answer of one who asks again while told to: who met too many others, or a slow store."""
    deadline = asyncio.get_running_loop().time() + PATIENCE_SECONDS
    while (answer := await ask()).status_code in COME_AGAIN:
        if asyncio.get_running_loop().time() > deadline:
            break
        await asyncio.sleep(0.1)
    return answer
