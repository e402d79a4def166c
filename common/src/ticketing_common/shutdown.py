"""To hear that the process is to stop, before its server does anything about it."""

import asyncio
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def on_shutdown_signal(tell: Callable[[], None]) -> Iterator[None]:
    """Have `tell` called as soon as a signal asks the process to stop, and at the block's end.

    uvicorn waits for every response before it says so to the app, and a response that waits for
    the app to say that it ends would keep it waiting.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may ask for signals
        tell()
        return
    loop = asyncio.get_running_loop()
    servers = {number: signal.getsignal(number) for number in SIGNALS}

    def stop(number: int, frame: FrameType | None) -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(tell)
        handler = servers[signal.Signals(number)]
        if callable(handler):
            handler(number, frame)

    for number, handler in servers.items():
        if callable(handler):
            signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in servers.items():
            if signal.getsignal(number) is stop:
                signal.signal(number, handler)
        tell()
