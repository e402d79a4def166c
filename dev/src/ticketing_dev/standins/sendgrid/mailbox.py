"""The mailbox: all accepted mails, newest first."""

import json
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ticketing_dev.standins.base.data import database, transaction
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
    """The stored mails."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection

    def add(self, mails: list[Mail]) -> str:
        """Store the mails of one request in one transaction. Return the message id."""
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
        """Return the newest mails, of all recipients or of one (case-insensitive)."""
        rows = self.connection.execute(
            "SELECT * FROM mails WHERE :to IS NULL OR EXISTS ("
            "    SELECT 1 FROM json_each(json_extract(mail, '$.to')) WHERE lower(value) = :to"
            "    UNION"
            "    SELECT 1 FROM json_each(json_extract(mail, '$.copies')) WHERE lower(value) = :to"
            ") ORDER BY seq DESC LIMIT :limit",
            {"to": to.lower() if to else None, "limit": limit},
        )
        return [mail_json(row) for row in rows]

    def find(self, mail_id: str) -> dict[str, Any] | None:
        """Return a mail by id."""
        row = self.connection.execute("SELECT * FROM mails WHERE id = ?", (mail_id,)).fetchone()
        return None if row is None else mail_json(row)


def mail_json(row: sqlite3.Row) -> dict[str, Any]:
    """Return the JSON of a stored mail."""
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
    """Open the mailbox of a data folder."""
    with database(folder / "sendgrid.sqlite3", SCHEMA) as connection:
        yield Mailbox(connection)
