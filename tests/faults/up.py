"""`ticketing`, whose services do without the guard that SABOTAGE names."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.faults.sabotage import VARIABLE

from ticketing_dev.stack import processes
from ticketing_dev.stack.processes import Part
from ticketing_ops.cli import app

ROOT = Path(__file__).parents[2]


def main() -> None:
    if guard := os.environ.get(VARIABLE):
        whole = processes.service

        def sabotaged(name: str, *args: Any, **kwargs: Any) -> Part:
            part = whole(name, *args, **kwargs)
            app = f"tests.faults.sabotage:{name}"
            command = tuple(
                app if word == f"{name}.app:create_app" else word for word in part.command
            )
            env = {**part.env, VARIABLE: guard, "PYTHONPATH": str(ROOT)}
            return replace(part, command=command, env=env)

        processes.service = sabotaged
    app()


if __name__ == "__main__":
    main()
