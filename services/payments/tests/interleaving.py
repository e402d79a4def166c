"""Interleavings: one call pauses while a second one runs."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest


@asynccontextmanager
async def pause_after(
    monkeypatch: pytest.MonkeyPatch, owner: Any, name: str
) -> AsyncIterator[asyncio.Event]:
    """Pause the first call of a function before it returns, until the block ends.

    The event is set when that call has paused.
    """
    paused, resume = asyncio.Event(), asyncio.Event()
    original = getattr(owner, name)

    async def call_and_pause(*args: Any, **kwargs: Any) -> Any:
        result = await original(*args, **kwargs)
        if not paused.is_set():
            paused.set()
            await resume.wait()
        return result

    monkeypatch.setattr(owner, name, call_and_pause)
    try:
        yield paused
    finally:
        resume.set()
