"""Webhook deliveries, stored in the transaction of their event so that SIGKILL loses none."""

import re
import sqlite3
import time
from ipaddress import ip_address
from typing import Literal, TypeAlias

import httpx
from pydantic import BaseModel, ConfigDict, Field, field_validator

from ticketing_dev.standins.stripe.api.errors import Json

State: TypeAlias = Literal["pending", "delivered", "dropped", "failed"]

SCHEMA = """
CREATE TABLE IF NOT EXISTS deliveries (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    event           TEXT NOT NULL,
    type            TEXT NOT NULL,
    state           TEXT NOT NULL,
    attempts        INTEGER NOT NULL DEFAULT 0,
    next_attempt_at REAL NOT NULL,
    is_manual       INTEGER NOT NULL DEFAULT 0,
    response        TEXT
);
CREATE INDEX IF NOT EXISTS pending_deliveries
    ON deliveries (next_attempt_at) WHERE state = 'pending';
"""


class Endpoint(BaseModel):
    """The webhook endpoint, on this machine or in this cluster, and its signing secret."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str
    secret: str = Field(min_length=1)

    @field_validator("url")
    @classmethod
    def is_local(cls, url: str) -> str:
        """Raise ValueError for a host outside of this machine and cluster."""
        parsed = httpx.URL(url)
        if parsed.scheme not in ("http", "https") or not is_local_host(parsed.host):
            raise ValueError("webhooks go to http(s) addresses of this machine or cluster only")
        return url


class DeliveryFaults(BaseModel):
    """Fault injection for deliveries, until changed. A restart resets it."""

    model_config = ConfigDict(extra="forbid")

    hold: bool = Field(False, description="hold deliveries back until this is false again")
    copies: int = Field(1, ge=0, le=5, description="of new events: 0 drops, 2 duplicates them")
    reverse: bool = Field(False, description="deliver newest first, one after the other")
    types: list[str] = Field(
        [], description="the event types for `hold` and `copies`; all if empty"
    )

    def applies_to(self, event_type: str) -> bool:
        """Return whether `hold` and `copies` apply to an event type."""
        return not self.types or event_type in self.types


class Delivery(BaseModel):
    """The delivery of one event to the endpoint."""

    id: int
    event: str
    type: str
    state: State
    attempts: int
    next_attempt_at: float = Field(description="Unix time")
    is_manual: bool = Field(description="sent on request, so never held back")
    response: str | None = Field(description="the status of the last response, or the error")


class Deliveries:
    """The table of deliveries. The caller opens the transactions."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self.endpoint: Endpoint | None = None
        self.faults = DeliveryFaults()

    def enqueue(self, event: Json) -> None:
        """Add the deliveries of a new event."""
        if self.endpoint is None:
            return
        copies = self.faults.copies if self.faults.applies_to(event["type"]) else 1
        for _ in range(copies):
            self.add(event, "pending")
        if not copies:
            self.add(event, "dropped")

    def add(self, event: Json, state: State, *, is_manual: bool = False) -> Delivery:
        """Add one delivery."""
        row = self.connection.execute(
            "INSERT INTO deliveries (event, type, state, next_attempt_at, is_manual)"
            " VALUES (?, ?, ?, ?, ?) RETURNING *",
            (event["id"], event["type"], state, time.time(), is_manual),
        ).fetchone()
        return Delivery(**row)

    def record_attempt(
        self, delivery: Delivery, state: State, response: str, next_attempt_at: float
    ) -> None:
        """Store the result of an attempt. A delivery dropped meanwhile does not become pending."""
        self.connection.execute(
            "UPDATE deliveries SET attempts = attempts + 1, response = ?, next_attempt_at = ?,"
            " state = CASE WHEN state = 'dropped' AND ? <> 'delivered' THEN state ELSE ? END"
            " WHERE id = ?",
            (response, next_attempt_at, state, state, delivery.id),
        )

    def drop_pending(self) -> None:
        """Drop all pending deliveries."""
        self.connection.execute("UPDATE deliveries SET state = 'dropped' WHERE state = 'pending'")

    def find(self, delivery_id: int) -> Delivery | None:
        """Return a delivery by id."""
        row = self.connection.execute(
            "SELECT * FROM deliveries WHERE id = ?", (delivery_id,)
        ).fetchone()
        return None if row is None else Delivery(**row)

    def newest(
        self, *, limit: int, event: str | None = None, state: State | None = None
    ) -> list[Delivery]:
        """Return deliveries, newest first."""
        rows = self.connection.execute(
            "SELECT * FROM deliveries WHERE event = coalesce(?, event)"
            " AND state = coalesce(?, state) ORDER BY id DESC LIMIT ?",
            (event, state, limit),
        )
        return [Delivery(**row) for row in rows]

    def pending(self, limit: int) -> list[Delivery]:
        """Return pending deliveries that are not held, due ones first, in delivery order."""
        condition, types = self._not_held()
        rows = self.connection.execute(
            f"SELECT * FROM deliveries WHERE state = 'pending' AND {condition}"  # noqa: S608
            " ORDER BY max(next_attempt_at, ?),"
            f" id {'DESC' if self.faults.reverse else 'ASC'} LIMIT ?",
            (*types, time.time(), limit),
        )
        return [Delivery(**row) for row in rows]

    def _not_held(self) -> tuple[str, list[str]]:
        """Return the SQL condition of deliveries that are not held, with its values."""
        if not self.faults.hold:
            return "TRUE", []
        if not self.faults.types:
            return "is_manual", []
        marks = ", ".join("?" for _ in self.faults.types)
        return f"(is_manual OR type NOT IN ({marks}))", self.faults.types


def is_local_host(host: str) -> bool:
    """Return whether a host is loopback or a Kubernetes Service, whose name has no dot."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return re.fullmatch(r"[a-z][a-z0-9-]*", host) is not None
