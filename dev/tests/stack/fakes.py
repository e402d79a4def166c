"""A stack of small fake processes. Run by path, it is the `ticketing` command for that stack."""

import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from ticketing_dev.stack import lifecycle
from ticketing_dev.stack.processes import probes
from ticketing_dev.stack.processes.spec import ProcessSpec
from ticketing_ops.cli import app

LISTENS = """
import socket, sys
open("starts", "a").write("x")
print("hello from", sys.argv[1], flush=True)
server = socket.create_server(("127.0.0.1", int(sys.argv[1])))  # from here on it is ready
while True:
    server.accept()[0].close()
"""
EXITS_WITH_ERROR = "print('first line'); print('last line'); raise SystemExit(3)"
NEVER_LISTENS = "import time; time.sleep(600)"
IGNORES_SIGTERM = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + LISTENS


def fake_spec(
    name: str, port: int, data: Path, *depends_on: str, program: str = LISTENS, **fields: Any
) -> ProcessSpec:
    """Define a process that runs `program`; by default it only listens on its port."""
    command = (sys.executable, "-I", "-S", "-c", program, str(port))
    is_ready = partial(probes.is_listening, port)
    return ProcessSpec(
        name=name,
        command=command,
        port=port,
        data=data / name,
        depends_on=depends_on,
        is_ready=is_ready,
        **fields,
    )


def define_fake_stack(
    port: int, data: Path, port_of: Callable[[str], int], *_: object, **options: object
) -> list[ProcessSpec]:
    """Define a chain of three processes. FAKE_APP replaces the program of the second."""
    program = os.environ.get("FAKE_APP", LISTENS)
    return [
        fake_spec("store", port_of("store"), data),
        fake_spec("app", port_of("app"), data, "store", program=program),
        fake_spec("ingress", port, data, "app"),
    ]


if __name__ == "__main__":
    lifecycle.define_stack = define_fake_stack  # type: ignore[attr-defined]
    lifecycle.client_build.server_command = lambda _: ()  # type: ignore[attr-defined]
    app()
