"""The OpenAPI document of each service that has routes, told by its code: nothing has to run.

`python -m ticketing_dev.tools.openapi FOLDER` writes them there, one file a service.
"""

import json
import os
import sys
from importlib import import_module
from pathlib import Path
from typing import Any
from unittest import mock

from fastapi import FastAPI

from ticketing_dev.stack.definition import market
from ticketing_dev.stack.keys import Keys

WITH_ROUTES = ("auth", "tickets", "orders", "payments")


def documents() -> dict[str, dict[str, Any]]:
    """The documents by the names of their services."""
    return {name: app.openapi() for name, app in apps().items()}


def apps() -> dict[str, FastAPI]:
    """The apps by the names of their services; none of them runs."""
    # As the local stack would start them.
    parts = market(8080, Path("/nowhere"), lambda _: 1, Keys(), {})
    env_of = {part.name: dict(part.env) for part in parts}
    found = {}
    for name in WITH_ROUTES:
        with mock.patch.dict(os.environ, env_of[name]):
            found[name] = import_module(f"{name}.app").create_app()
    return found


def write(folder: Path) -> None:
    """One file a service."""
    for name, document in documents().items():
        (folder / f"{name}.json").write_text(json.dumps(document))


if __name__ == "__main__":
    write(Path(sys.argv[1]))
