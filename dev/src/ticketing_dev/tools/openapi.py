"""Write the OpenAPI document of each service that has routes; no service has to run.

`python -m ticketing_dev.tools.openapi FOLDER` writes one file per service to the folder.
"""

import json
import os
import sys
from importlib import import_module
from pathlib import Path
from typing import Any
from unittest import mock

from fastapi import FastAPI

from ticketing_common.topology import SERVICES_WITH_ROUTES
from ticketing_dev.stack.definition import define_stack
from ticketing_dev.stack.secrets import Secrets


def documents() -> dict[str, dict[str, Any]]:
    """Return the OpenAPI documents by service."""
    return {name: app.openapi() for name, app in apps().items()}


def apps() -> dict[str, FastAPI]:
    """Create the apps by service, with the settings of the local stack. None is started."""
    specs = define_stack(8080, Path("/unused"), lambda _: 1, Secrets(), {})
    env_of = {spec.name: dict(spec.env) for spec in specs}
    created = {}
    for name in SERVICES_WITH_ROUTES:
        with mock.patch.dict(os.environ, env_of[name]):
            created[name] = import_module(f"{name}.app").create_app()
    return created


def write(folder: Path) -> None:
    """Write one file per service."""
    for name, document in documents().items():
        (folder / f"{name}.json").write_text(json.dumps(document))


if __name__ == "__main__":
    write(Path(sys.argv[1]))
