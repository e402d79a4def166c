"""Process specs of the stand-ins for Stripe and SendGrid."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path

from ticketing_dev.stack.processes import probes
from ticketing_dev.stack.processes.services import uvicorn_command
from ticketing_dev.stack.processes.spec import ProcessSpec


def stripe(
    port: int,
    data: Path,
    root_path: str = "",
    webhook_url: str | None = None,
    webhook_secret: str | None = None,
) -> ProcessSpec:
    """Define the Stripe stand-in. With a webhook URL and secret it delivers its events there."""
    webhook = {"STRIPE_WEBHOOK_URL": webhook_url, "STRIPE_WEBHOOK_SECRET": webhook_secret}
    env = {name: value for name, value in webhook.items() if value}
    return _stand_in("stripe", port, data, root_path, env)


def sendgrid(port: int, data: Path, root_path: str = "") -> ProcessSpec:
    """Define the SendGrid stand-in. Its page lists the mails."""
    return _stand_in("sendgrid", port, data, root_path)


def _stand_in(
    name: str, port: int, data: Path, root_path: str, env: Mapping[str, str] | None = None
) -> ProcessSpec:
    app = f"ticketing_dev.standins.{name}:app"
    return ProcessSpec(
        name=name,
        command=uvicorn_command(app, port, "--root-path", root_path),
        env={"PYTHONUNBUFFERED": "1", "STAND_IN_DATA": str(data), **(env or {})},
        port=port,
        data=data,
        is_ready=partial(probes.returns_200, port, "/healthz"),
    )
