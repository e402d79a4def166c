"""A market of small fake parts. Run by path, it is the `ticketing` command line on that market."""

import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from ticketing_dev.stack import control, probes
from ticketing_dev.stack.processes import Part
from ticketing_ops.cli import app

LISTENS = """
import socket, sys
open("starts", "a").write("x")
print("hello from", sys.argv[1], flush=True)
server = socket.create_server(("127.0.0.1", int(sys.argv[1])))  # from here on it is ready
while True:
    server.accept()[0].close()
"""
EXITS = "print('these are'); print('my last words'); raise SystemExit(3)"
NEVER_LISTENS = "import time; time.sleep(600)"
WILL_NOT_STOP = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + LISTENS


def fake_part(
    name: str, port: int, data: Path, *needs: str, program: str = LISTENS, **fields: Any
) -> Part:
    """A part that only listens, unless its program says otherwise."""
    command = (sys.executable, "-I", "-S", "-c", program, str(port))
    ready = partial(probes.listens, port)
    return Part(
        name=name, command=command, port=port, data=data / name, needs=needs, ready=ready, **fields
    )


def fake_market(port: int, data: Path, port_of: Callable[[str], int], *_: object) -> list[Part]:
    """Three parts, each needing the one before. FAKE_APP is another program for the second."""
    program = os.environ.get("FAKE_APP", LISTENS)
    return [
        fake_part("store", port_of("store"), data),
        fake_part("app", port_of("app"), data, "store", program=program),
        fake_part("ingress", port, data, "app"),
    ]


if __name__ == "__main__":
    control.market = fake_market  # type: ignore[attr-defined,assignment]
    control.client.serving = lambda _: ()  # type: ignore[attr-defined]
    app()
