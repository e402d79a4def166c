"""Process spec of the stand-in for Stripe."""

from pathlib import Path

from ticketing_dev.stack.processes.spec import ProcessSpec
from ticketing_dev.stack.processes.stand_in import stand_in

APP = "ticketing_dev.standins.stripe:app"


def stripe_stand_in(
    port: int,
    data: Path,
    root_path: str = "",
    webhook_url: str | None = None,
    webhook_secret: str | None = None,
) -> ProcessSpec:
    """Define the Stripe stand-in. With a webhook URL and secret it delivers its events there."""
    webhook = {"STRIPE_WEBHOOK_URL": webhook_url, "STRIPE_WEBHOOK_SECRET": webhook_secret}
    env = {name: value for name, value in webhook.items() if value}
    return stand_in("stripe", APP, port, data, root_path, env)
