"""Two at one moment: the first is kept from going on while the second begins."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest


@asynccontextmanager
async def held_open(
    monkeypatch: pytest.MonkeyPatch, owner: Any, name: str
) -> AsyncIterator[asyncio.Event]:
    """Keeps the first that calls it from going on until the block ends; the event: it is there."""
    there, go_on = asyncio.Event(), asyncio.Event()
    real = getattr(owner, name)

    async def wait_after(*args: Any, **kwargs: Any) -> Any:
        result = await real(*args, **kwargs)
        if not there.is_set():
            there.set()
            await go_on.wait()
        return result

    monkeypatch.setattr(owner, name, wait_after)
    try:
        yield there
    finally:
        go_on.set()
