"""Fast tests start no servers."""

from pathlib import Path

import pytest

from ticketing_dev.stack.processes import servers
from ticketing_dev.stack.processes.ports import free_port
from ticketing_dev.stack.supervision.process import Process


def test_process_does_not_start_in_a_fast_test(tmp_path: Path) -> None:
    process = Process(servers.redis(free_port(), tmp_path))
    with pytest.raises(RuntimeError, match="starts redis"):
        process.start()
