"""The command `ticketing`, with services that lack the guard in DISABLED_GUARD."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.faults.disabled_guards import COUNT_VARIABLE, VARIABLE

from ticketing_dev.stack.processes import services
from ticketing_dev.stack.processes.spec import ProcessSpec
from ticketing_ops.cli import app

ROOT = Path(__file__).parents[2]


def main() -> None:
    if os.environ.get(VARIABLE):
        unchanged = services.service

        def service(name: str, *args: Any, **kwargs: Any) -> ProcessSpec:
            spec = unchanged(name, *args, **kwargs)
            factories = {f"{name}.app:create_app": f"tests.faults.disabled_guards:{name}"}
            command = tuple(factories.get(word, word) for word in spec.command)
            guard_env = {name: os.environ[name] for name in (VARIABLE, COUNT_VARIABLE)}
            env = {**spec.env, **guard_env, "PYTHONPATH": str(ROOT)}
            return replace(spec, command=command, env=env)

        services.service = service
    app()


if __name__ == "__main__":
    main()
