"""Everything the stand-in remembers: Stripe's objects, and the answers kept under a key."""

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

from ticketing_dev.standins.data import database, transaction
from ticketing_dev.standins.stripe import deliveries
from ticketing_dev.standins.stripe.errors import Json

SCHEMA = """
CREATE TABLE IF NOT EXISTS objects (
    seq  INTEGER PRIMARY KEY AUTOINCREMENT,
    id   TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    body TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS by_kind ON objects (kind, seq);
CREATE TABLE IF NOT EXISTS kept_answers (
    api_key TEXT NOT NULL,
    key     TEXT NOT NULL,
    path    TEXT NOT NULL,
    params  TEXT NOT NULL,
    status  INTEGER NOT NULL,
    body    TEXT NOT NULL,
    request TEXT NOT NULL,
    kept_at REAL NOT NULL,
    PRIMARY KEY (api_key, key)
);
"""
Operator: TypeAlias = Literal["=", ">", ">=", "<", "<=", "IN", "GLOB"]
KEPT_SECONDS = 24 * 3600
"""How long Stripe remembers an idempotency key."""
ALPHABET = string.ascii_letters + string.digits


def new_id(prefix: str) -> str:
    """An id as Stripe makes them, e.g. `pi_3Q...`."""
    return f"{prefix}_" + "".join(secrets.choice(ALPHABET) for _ in range(24))


@dataclass(frozen=True)
class Answer:
    """What was answered to the first request that came with an idempotency key."""

    path: str
    params: str
    status: int
    body: str
    request: str


class Where:
    """A condition on a field of an object's JSON."""

    def __init__(self, field: str, operator: Operator, *values: str | int) -> None:
        self.field, self.operator, self.values = field, operator, values


class Store:
    """Objects by id and newest first, as plain JSON. The caller says where a transaction ends."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self.deliveries = deliveries.Deliveries(connection)
        self.on_commit: Callable[[], None] = lambda: None

    @contextmanager
    def transaction(self) -> Iterator[None]:
        with transaction(self.connection):
            yield
        self.on_commit()

    def add(self, made: Json) -> Json:
        self.connection.execute(
            "INSERT INTO objects (id, kind, body) VALUES (?, ?, ?)",
            (made["id"], made["object"], json.dumps(made)),
        )
        return made

    def put(self, changed: Json) -> Json:
        self.connection.execute(
            "UPDATE objects SET body = ? WHERE id = ?", (json.dumps(changed), changed["id"])
        )
        return changed

    def find(self, kind: str, name: str) -> Json | None:
        row = self.connection.execute(
            "SELECT body FROM objects WHERE id = ? AND kind = ?", (name, kind)
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
        """Objects of a kind, newest first."""
        query = "SELECT body FROM objects WHERE kind = ?"
        values: list[str | int] = [kind]
        for one in where:
            query += (
                f" AND json_extract(body, ?) {one.operator} ({', '.join('?' * len(one.values))})"
            )
            values += [f"$.{one.field}", *one.values]
        if older_than is not None:
            query += " AND seq < (SELECT seq FROM objects WHERE id = ?)"
            values.append(older_than)
        if newer_than is not None:
            query += " AND seq > (SELECT seq FROM objects WHERE id = ?)"
            values.append(newer_than)
        # A page that ends before an object holds the ones next to it, so it is read backwards.
        query += f" ORDER BY seq {'ASC' if newer_than else 'DESC'} LIMIT ?"
        rows = self.connection.execute(query, [*values, limit]).fetchall()
        return [json.loads(row["body"]) for row in (reversed(rows) if newer_than else rows)]

    def answer(self, api_key: str, key: str) -> Answer | None:
        row = self.connection.execute(
            "SELECT path, params, status, body, request FROM kept_answers"
            " WHERE api_key = ? AND key = ? AND kept_at > ?",
            (api_key, key, time.time() - KEPT_SECONDS),
        ).fetchone()
        return None if row is None else Answer(**row)

    def keep(self, api_key: str, key: str, answer: Answer) -> None:
        self.connection.execute(
            "INSERT OR REPLACE INTO kept_answers VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                api_key,
                key,
                answer.path,
                answer.params,
                answer.status,
                answer.body,
                answer.request,
                time.time(),
            ),
        )

    def age_answers(self, seconds: float) -> None:
        self.connection.execute("UPDATE kept_answers SET kept_at = kept_at - ?", (seconds,))


@contextmanager
def open_store(folder: Path) -> Iterator[Store]:
    with database(folder / "stripe.sqlite3", SCHEMA + deliveries.SCHEMA) as connection:
        yield Store(connection)
