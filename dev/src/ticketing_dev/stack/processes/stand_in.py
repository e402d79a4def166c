"""Process spec of a stand-in; `stripe_stand_in` and `sendgrid_stand_in` use it."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path

from ticketing_dev.stack.processes import probes
from ticketing_dev.stack.processes.services import uvicorn_command
from ticketing_dev.stack.processes.spec import ProcessSpec


def stand_in(
    name: str, app: str, port: int, data: Path, root_path: str, env: Mapping[str, str]
) -> ProcessSpec:
    """Define a stand-in. `app` is its ASGI application as `module:attribute`."""
    return ProcessSpec(
        name=name,
        command=uvicorn_command(app, port, "--root-path", root_path),
        env={"PYTHONUNBUFFERED": "1", "STAND_IN_DATA": str(data), **env},
        port=port,
        data=data,
        is_ready=partial(probes.returns_200, port, "/healthz"),
    )
