import runpy
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ticketing_testing.timeouts import TIMEOUT_SECONDS


@pytest.fixture(scope="session")
def fakes() -> SimpleNamespace:
    """The contents of fakes.py, which is also a program that the tests run."""
    path = Path(__file__).with_name("fakes.py")
    return SimpleNamespace(path=path, **runpy.run_path(str(path), run_name="fakes"))


Eventually = Callable[..., Any]


@pytest.fixture(scope="session")
def eventually() -> Eventually:
    """Poll a call until it returns a truthy value; return the value."""

    def wait(call: Callable[[], Any], seconds: float = TIMEOUT_SECONDS) -> Any:
        deadline = time.monotonic() + seconds
        while not (result := call()):
            assert time.monotonic() < deadline, "timed out"
            time.sleep(0.02)
        return result

    return wait
