"""Write docs/commands.md: `python -m tests.commands`."""

import asyncio
import tempfile
from pathlib import Path

from tests.commands.table import DOCUMENT, render
from tests.commands.test_commands import run_scenario

from ticketing_testing.store_servers import start_store_servers

if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name, start_store_servers(Path(name)) as stores:
        DOCUMENT.write_text(render(asyncio.run(run_scenario(stores, Path(name) / "services"))))
