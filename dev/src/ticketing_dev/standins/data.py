"""Where a stand-in keeps its state, so that kill -9 loses nothing that was answered."""

import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def data_folder(folder: Path | None = None) -> Iterator[Path]:
    """The folder given, else the one that STAND_IN_DATA names, else one gone with the process."""
    if folder is None and (named := os.environ.get("STAND_IN_DATA")):
        folder = Path(named)
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        yield folder
    else:
        with tempfile.TemporaryDirectory(prefix="stand-in-") as made:
            yield Path(made)


@contextmanager
def database(file: Path, schema: str) -> Iterator[sqlite3.Connection]:
    """An SQLite file in which a commit that returned is on the disk."""
    connection = sqlite3.connect(file, isolation_level=None)
    connection.row_factory = sqlite3.Row
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.executescript(schema)
        yield connection
    finally:
        connection.close()


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All that runs inside, or nothing of it."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")
