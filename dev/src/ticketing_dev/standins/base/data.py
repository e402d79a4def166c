"""Durable storage of a stand-in: after SIGKILL it still has everything it responded to."""

import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def data_folder(folder: Path | None = None) -> Iterator[Path]:
    """Yield `folder`, else the folder of STAND_IN_DATA, else a temporary one."""
    if folder is None and (configured := os.environ.get("STAND_IN_DATA")):
        folder = Path(configured)
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        yield folder
    else:
        with tempfile.TemporaryDirectory(prefix="stand-in-") as temporary:
            yield Path(temporary)


@contextmanager
def database(file: Path, schema: str) -> Iterator[sqlite3.Connection]:
    """Open an SQLite database that syncs each commit to the disk."""
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
    """Commit the statements of the block, or roll them back if it raises."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")
