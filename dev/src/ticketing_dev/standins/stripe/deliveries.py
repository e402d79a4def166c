"""What is to be told by webhook, kept beside what happened, so that kill -9 loses no delivery."""

import re
import sqlite3
import time
from ipaddress import ip_address
from typing import Literal, TypeAlias

import httpx
from pydantic import BaseModel, ConfigDict, Field, field_validator

from ticketing_dev.standins.stripe.errors import Json

State: TypeAlias = Literal["waiting", "delivered", "dropped", "given up"]

SCHEMA = """
CREATE TABLE IF NOT EXISTS deliveries (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    event   TEXT NOT NULL,
    type    TEXT NOT NULL,
    state   TEXT NOT NULL,
    tries   INTEGER NOT NULL DEFAULT 0,
    due     REAL NOT NULL,
    by_hand INTEGER NOT NULL DEFAULT 0,
    answer  TEXT
);
CREATE INDEX IF NOT EXISTS deliveries_due ON deliveries (due) WHERE state = 'waiting';
"""


class Endpoint(BaseModel):
    """Who is told, and the secret that proves who tells: a program of this machine or cluster."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str
    secret: str = Field(min_length=1)

    @field_validator("url")
    @classmethod
    def is_near(cls, url: str) -> str:
        parsed = httpx.URL(url)
        if parsed.scheme not in ("http", "https") or not near(parsed.host):
            raise ValueError("webhooks go to http(s) addresses of this machine or cluster only")
        return url


class Treatment(BaseModel):
    """What befalls deliveries until told otherwise. A restart forgets it."""

    model_config = ConfigDict(extra="forbid")

    hold: bool = Field(False, description="keep them back; a later `false` lets them go")
    copies: int = Field(1, ge=0, le=5, description="of events to come: 0 drops, 2 doubles them")
    reverse: bool = Field(
        False, description="newest first, each after the answer to the one before"
    )
    types: list[str] = Field([], description="the events that `hold` and `copies` strike; else all")

    def strikes(self, happened: str) -> bool:
        return not self.types or happened in self.types


class Delivery(BaseModel):
    """One event on its way to the endpoint. `due` is when it is tried next, in Unix time."""

    id: int
    event: str
    type: str
    state: State
    tries: int
    due: float
    by_hand: bool = Field(description="sent on demand: never held back")
    answer: str | None = Field(description="of the last try: a status, or why there is none")


class Deliveries:
    """The rows, in the store's database. The caller says where a transaction ends."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self.endpoint: Endpoint | None = None
        self.treatment = Treatment()

    def prepare(self, event: Json) -> None:
        """Note that the event is to be told, as often as the treatment says."""
        if self.endpoint is None:
            return
        struck = self.treatment.strikes(event["type"])
        copies = self.treatment.copies if struck else 1
        for _ in range(copies):
            self.add(event, "waiting")
        if not copies:
            self.add(event, "dropped")

    def add(self, event: Json, state: State, *, by_hand: bool = False) -> Delivery:
        row = self.connection.execute(
            "INSERT INTO deliveries (event, type, state, due, by_hand) VALUES (?, ?, ?, ?, ?)"
            " RETURNING *",
            (event["id"], event["type"], state, time.time(), by_hand),
        ).fetchone()
        return Delivery(**row)

    def note(self, delivery: Delivery, state: State, answer: str, due: float) -> None:
        """Note how a try went. One that was dropped meanwhile does not wait again."""
        self.connection.execute(
            "UPDATE deliveries SET tries = tries + 1, answer = ?, due = ?,"
            " state = CASE WHEN state = 'dropped' AND ? <> 'delivered' THEN state ELSE ? END"
            " WHERE id = ?",
            (answer, due, state, state, delivery.id),
        )

    def forget_waiting(self) -> None:
        self.connection.execute("UPDATE deliveries SET state = 'dropped' WHERE state = 'waiting'")

    def find(self, number: int) -> Delivery | None:
        row = self.connection.execute("SELECT * FROM deliveries WHERE id = ?", (number,)).fetchone()
        return None if row is None else Delivery(**row)

    def newest(
        self, *, limit: int, event: str | None = None, state: State | None = None
    ) -> list[Delivery]:
        rows = self.connection.execute(
            "SELECT * FROM deliveries WHERE event = coalesce(?, event)"
            " AND state = coalesce(?, state) ORDER BY id DESC LIMIT ?",
            (event, state, limit),
        )
        return [Delivery(**row) for row in rows]

    def waiting(self, limit: int) -> list[Delivery]:
        """Those that may go: in the order to try them, the ones not due yet last."""
        held, types = self._held()
        rows = self.connection.execute(
            f"SELECT * FROM deliveries WHERE state = 'waiting' AND {held}"  # noqa: S608
            f" ORDER BY max(due, ?), id {'DESC' if self.treatment.reverse else 'ASC'} LIMIT ?",
            (*types, time.time(), limit),
        )
        return [Delivery(**row) for row in rows]

    def _held(self) -> tuple[str, list[str]]:
        """The condition by which a delivery is not held back, and its values."""
        if not self.treatment.hold:
            return "TRUE", []
        if not self.treatment.types:
            return "by_hand", []
        marks = ", ".join("?" for _ in self.treatment.types)
        return f"(by_hand OR type NOT IN ({marks}))", self.treatment.types


def near(host: str) -> bool:
    """Whether it is loopback, or a name as only neighbours have: a Service's has no dot."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return re.fullmatch(r"[a-z][a-z0-9-]*", host) is not None
