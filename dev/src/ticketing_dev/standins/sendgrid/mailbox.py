"""The mails that were taken, newest first."""

import json
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ticketing_dev.standins.data import database, transaction
from ticketing_dev.standins.sendgrid.message import Mail

SCHEMA = """
CREATE TABLE IF NOT EXISTS mails (
    seq         INTEGER PRIMARY KEY AUTOINCREMENT,
    id          TEXT NOT NULL UNIQUE,
    message_id  TEXT NOT NULL,
    received_at TEXT NOT NULL,
    mail        TEXT NOT NULL
);
"""


class Mailbox:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection

    def take(self, mails: list[Mail]) -> str:
        """Keep the mails of one request, all or none. Gives its message id."""
        message_id = secrets.token_urlsafe(16)
        received_at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        with transaction(self.connection):
            for mail in mails:
                self.connection.execute(
                    "INSERT INTO mails (id, message_id, received_at, mail) VALUES (?, ?, ?, ?)",
                    (secrets.token_hex(12), message_id, received_at, json.dumps(asdict(mail))),
                )
        return message_id

    def newest(self, to: str | None = None, limit: int = 100) -> list[dict[str, Any]]:
        """The newest mails, of all people or of one, compared without case."""
        rows = self.connection.execute(
            "SELECT * FROM mails WHERE :to IS NULL OR EXISTS ("
            "    SELECT 1 FROM json_each(json_extract(mail, '$.to')) WHERE lower(value) = :to"
            "    UNION"
            "    SELECT 1 FROM json_each(json_extract(mail, '$.copies')) WHERE lower(value) = :to"
            ") ORDER BY seq DESC LIMIT :limit",
            {"to": to.lower() if to else None, "limit": limit},
        )
        return [shown(row) for row in rows]

    def find(self, name: str) -> dict[str, Any] | None:
        row = self.connection.execute("SELECT * FROM mails WHERE id = ?", (name,)).fetchone()
        return None if row is None else shown(row)


def shown(row: sqlite3.Row) -> dict[str, Any]:
    mail = Mail(**json.loads(row["mail"]))
    return {
        "id": row["id"],
        "messageId": row["message_id"],
        "receivedAt": row["received_at"],
        "from": mail.sender,
        "to": mail.to,
        "copies": mail.copies,
        "subject": mail.subject,
        "text": mail.text,
        "html": mail.html,
        "customArgs": mail.custom_args,
    }


@contextmanager
def open_mailbox(folder: Path) -> Iterator[Mailbox]:
    with database(folder / "sendgrid.sqlite3", SCHEMA) as connection:
        yield Mailbox(connection)
