"""Process specs of our own programs: the services and the client."""

import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from ticketing_dev.stack.processes import probes
from ticketing_dev.stack.processes.ports import HOST
from ticketing_dev.stack.processes.spec import ProcessSpec

SERVICE_STOP_SECONDS = 20.0
"""Seconds between SIGTERM and SIGKILL: more than a service's own graceful shutdown takes."""
KEEP_ALIVE_SECONDS = 620
"""How long an idle connection stays open: longer than in any ingress (600 s in Google's), so that
an ingress never reuses a connection that the service is closing."""


HTTP_PROTOCOL = "ticketing_common.web.http_protocol:HttpProtocol"


def uvicorn_command(app: str, port: int, *options: str) -> tuple[str, ...]:
    """Return the command that serves an ASGI app."""
    module = (sys.executable, "-m", "uvicorn", app, "--host", HOST, "--port", str(port))
    keep_alive = ("--timeout-keep-alive", str(KEEP_ALIVE_SECONDS))
    return (*module, "--no-access-log", *keep_alive, *options)


def service(
    name: str,
    port: int,
    data: Path,
    env: Mapping[str, str],
    depends_on: tuple[str, ...] = (),
    reload: tuple[Path, ...] = (),
) -> ProcessSpec:
    """Define a service. `env` has all its settings; `reload` has the folders to watch."""
    options = ["--factory", "--timeout-graceful-shutdown", "15", "--http", HTTP_PROTOCOL]
    options += ["--no-proxy-headers"]
    options += ["--reload"] if reload else []
    for folder in reload:
        options += ["--reload-dir", str(folder)]
    return ProcessSpec(
        name=name,
        command=uvicorn_command(f"{name}.app:create_app", port, *options),
        env={"PYTHONUNBUFFERED": "1", **env},
        port=port,
        data=data,
        depends_on=depends_on,
        is_ready=partial(probes.returns_200, port, "/readyz"),
        stop_timeout=SERVICE_STOP_SECONDS,
    )


def client(
    port: int,
    data: Path,
    command: tuple[str, ...],
    api_url: str,
    currency: str,
    publishable_key: str = "",
    more_env: Mapping[str, str] | None = None,
) -> ProcessSpec:
    """Define the client, served by `command`. `api_url` is the base URL of the services.

    With Stripe's publishable key the payment page shows Stripe's form, without it the sandbox form.
    """
    return ProcessSpec(
        name="client",
        command=command,
        env={
            "PORT": str(port),
            "HOSTNAME": HOST,
            "API_URL": api_url,
            "PUBLIC_URL": api_url,
            "CURRENCY": currency,
            "KEEP_ALIVE_TIMEOUT": str(KEEP_ALIVE_SECONDS * 1000),
            "NEXT_TELEMETRY_DISABLED": "1",
            **({"STRIPE_PUBLISHABLE_KEY": publishable_key} if publishable_key else {}),
            **(more_env or {}),
        },
        port=port,
        data=data,
        is_ready=partial(probes.returns_200, port, "/healthz"),
    )
