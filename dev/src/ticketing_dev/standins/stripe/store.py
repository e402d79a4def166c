"""The database of the stand-in: Stripe's objects, saved responses and webhook deliveries."""

import json
import secrets
import sqlite3
import string
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from ticketing_dev.standins.base.data import database, transaction
from ticketing_dev.standins.stripe.api.errors import Json
from ticketing_dev.standins.stripe.webhooks import deliveries

SCHEMA = """
CREATE TABLE IF NOT EXISTS objects (
    seq  INTEGER PRIMARY KEY AUTOINCREMENT,
    id   TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    body TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS by_kind ON objects (kind, seq);
CREATE TABLE IF NOT EXISTS saved_responses (
    api_key    TEXT NOT NULL,
    key        TEXT NOT NULL,
    path       TEXT NOT NULL,
    params     TEXT NOT NULL,
    status     INTEGER NOT NULL,
    body       TEXT NOT NULL,
    request_id TEXT NOT NULL,
    saved_at   REAL NOT NULL,
    PRIMARY KEY (api_key, key)
);
"""
Operator: TypeAlias = Literal["=", ">", ">=", "<", "<=", "IN", "GLOB"]
IDEMPOTENCY_KEY_SECONDS = 24 * 3600
"""How long Stripe keeps an idempotency key."""
ALPHABET = string.ascii_letters + string.digits


def new_id(prefix: str) -> str:
    """Return an id in Stripe's format, e.g. `pi_3Q...`."""
    return f"{prefix}_" + "".join(secrets.choice(ALPHABET) for _ in range(24))


@dataclass(frozen=True)
class SavedResponse:
    """The response to the first request with an idempotency key."""

    path: str
    params: str
    status: int
    body: str
    request_id: str


class Where:
    """A condition on a field of an object's JSON."""

    def __init__(self, field: str, operator: Operator, *values: str | int) -> None:
        self.field, self.operator, self.values = field, operator, values


class Store:
    """Stripe's objects as JSON. The caller opens the transactions."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self.deliveries = deliveries.Deliveries(connection)
        self.on_commit: Callable[[], None] = lambda: None

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Run the block in a transaction, then call `on_commit`."""
        with transaction(self.connection):
            yield
        self.on_commit()

    def add(self, created: Json) -> Json:
        """Insert an object and return it."""
        self.connection.execute(
            "INSERT INTO objects (id, kind, body) VALUES (?, ?, ?)",
            (created["id"], created["object"], json.dumps(created)),
        )
        return created

    def put(self, changed: Json) -> Json:
        """Update an object and return it."""
        self.connection.execute(
            "UPDATE objects SET body = ? WHERE id = ?", (json.dumps(changed), changed["id"])
        )
        return changed

    def find(self, kind: str, object_id: str) -> Json | None:
        """Return an object by kind and id."""
        row = self.connection.execute(
            "SELECT body FROM objects WHERE id = ? AND kind = ?", (object_id, kind)
        ).fetchone()
        return None if row is None else json.loads(row["body"])

    def newest(
        self,
        kind: str,
        *,
        limit: int,
        older_than: str | None = None,
        newer_than: str | None = None,
        where: Sequence[Where] = (),
    ) -> list[Json]:
        """Return objects of a kind, newest first."""
        query = "SELECT body FROM objects WHERE kind = ?"
        values: list[str | int] = [kind]
        for condition in where:
            marks = ", ".join("?" * len(condition.values))
            query += f" AND json_extract(body, ?) {condition.operator} ({marks})"
            values += [f"$.{condition.field}", *condition.values]
        if older_than is not None:
            query += " AND seq < (SELECT seq FROM objects WHERE id = ?)"
            values.append(older_than)
        if newer_than is not None:
            query += " AND seq > (SELECT seq FROM objects WHERE id = ?)"
            values.append(newer_than)
        # `newer_than` returns the objects next to it, so its page is read in ascending order.
        query += f" ORDER BY seq {'ASC' if newer_than else 'DESC'} LIMIT ?"
        rows = self.connection.execute(query, [*values, limit]).fetchall()
        return [json.loads(row["body"]) for row in (reversed(rows) if newer_than else rows)]

    def saved_response(self, api_key: str, key: str) -> SavedResponse | None:
        """Return the response saved under an idempotency key that has not expired."""
        row = self.connection.execute(
            "SELECT path, params, status, body, request_id FROM saved_responses"
            " WHERE api_key = ? AND key = ? AND saved_at > ?",
            (api_key, key, time.time() - IDEMPOTENCY_KEY_SECONDS),
        ).fetchone()
        return None if row is None else SavedResponse(**row)

    def save_response(self, api_key: str, key: str, response: SavedResponse) -> None:
        """Save a response under an idempotency key."""
        self.connection.execute(
            "INSERT OR REPLACE INTO saved_responses VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                api_key,
                key,
                response.path,
                response.params,
                response.status,
                response.body,
                response.request_id,
                time.time(),
            ),
        )

    def age_idempotency_keys(self, seconds: float) -> None:
        """Make all idempotency keys older."""
        self.connection.execute("UPDATE saved_responses SET saved_at = saved_at - ?", (seconds,))


@contextmanager
def open_store(folder: Path) -> Iterator[Store]:
    """Open the store of a data folder."""
    with database(folder / "stripe.sqlite3", SCHEMA + deliveries.SCHEMA) as connection:
        yield Store(connection)
