"""Waiting for results that arrive later."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import httpx

T = TypeVar("T")
RETRYABLE_STATUSES = (409, 503)

TIMEOUT_SECONDS = 60.0
"""Only a failing test waits this long: a busy machine can take many seconds."""
ATTEMPT_SECONDS = TIMEOUT_SECONDS / 4
"""The time limit of one request that is repeated. A request to a server that is killed meanwhile
gets no response: with the whole timeout it could not be repeated."""


async def eventually(ask: Callable[[], Awaitable[T]]) -> T:
    """Call `ask` until it returns a truthy value without an AssertionError. Returns the value.

    A call that takes longer than ATTEMPT_SECONDS is cancelled and repeated.

    Raises: AssertionError, the last one of `ask`, after TIMEOUT_SECONDS.
    """
    deadline = asyncio.get_running_loop().time() + TIMEOUT_SECONDS
    while True:
        try:
            async with asyncio.timeout(ATTEMPT_SECONDS):
                value = await ask()
            if value:
                return value
            failure: AssertionError = AssertionError(
                f"still {value!r} after {TIMEOUT_SECONDS:.0f} s"
            )
        except AssertionError as error:
            failure = error
        except TimeoutError:
            failure = AssertionError(f"no result within {ATTEMPT_SECONDS:.0f} s, repeatedly")
        if asyncio.get_running_loop().time() > deadline:
            raise failure
        await asyncio.sleep(0.02)


async def retry_while_busy(send: Callable[[], Awaitable[httpx.Response]]) -> httpx.Response:
    """Send a request again while the response is a 409 or 503. Returns the last response."""
    deadline = asyncio.get_running_loop().time() + TIMEOUT_SECONDS
    while (response := await send()).status_code in RETRYABLE_STATUSES:
        if asyncio.get_running_loop().time() > deadline:
            break
        await asyncio.sleep(0.1)
    return response
