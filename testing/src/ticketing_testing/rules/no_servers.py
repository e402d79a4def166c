"""Fast tests start no servers."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import pytest

from ticketing_dev.stack.supervision.process import Process

FOLDER = "fast"
"""The folder name of tests that start no server. `make test-fast` runs them all."""


def is_fast(item: pytest.Item) -> bool:
    """Return whether a test is in a folder of fast tests."""
    return FOLDER in item.path.relative_to(item.config.rootpath).parts


@contextmanager
def no_servers() -> Iterator[None]:
    """Make every start of a stack's process an error for the block."""

    def refuse(process: Process) -> NoReturn:
        raise RuntimeError(
            f"A test in a folder {FOLDER!r} starts {process.spec.name}. Move it out of the folder."
        )

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Process, "launch", refuse)
        yield
