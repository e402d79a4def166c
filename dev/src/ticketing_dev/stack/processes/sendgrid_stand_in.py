"""Process spec of the stand-in for SendGrid."""

from pathlib import Path

from ticketing_dev.stack.processes.spec import ProcessSpec
from ticketing_dev.stack.processes.stand_in import stand_in

APP = "ticketing_dev.standins.sendgrid:app"


def sendgrid_stand_in(port: int, data: Path, root_path: str = "") -> ProcessSpec:
    """Define the SendGrid stand-in. Its page lists the mails."""
    return stand_in("sendgrid", APP, port, data, root_path, {})
