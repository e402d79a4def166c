"""Writes that the embedded MongoDB does not support fail a test."""

from typing import Any

import pytest
from pymongo.monitoring import CommandStartedEvent

from ticketing_testing.rules.safe_writes import SafeWrites

Command = dict[str, Any]

IN_TRANSACTION = {"autocommit": False, "txnNumber": 1}
BY_IDS = {"_id": {"$in": [1, 2]}}


def update(query: Command, changes: Any, collection: str = "users", **options: Any) -> Command:
    return {"update": collection, "updates": [{"q": query, "u": changes, **options}]}


def delete(query: Command, limit: int, collection: str = "users") -> Command:
    return {"delete": collection, "deletes": [{"q": query, "limit": limit}]}


def find_and_modify(query: Command, **action: Any) -> Command:
    return {"findAndModify": "users", "query": query, **action}


def violations(*commands: Command) -> list[str]:
    """Send the commands after an index and an insert; return the violations."""
    rules = SafeWrites()
    index = {"key": {"email": 1}, "name": "email_1", "unique": True}
    insert = {"insert": "users", "documents": [{"_id": 1, "email": "a"}]}
    for command in ({"createIndexes": "users", "indexes": [index]}, insert, *commands):
        rules.started(CommandStartedEvent(command, "auth", 1, ("localhost", 1), 1))
    return rules.violations


@pytest.mark.parametrize(
    "command",
    [
        update({}, {"$set": {"n": 1}}, multi=True),
        update(BY_IDS, {"$set": {"n": 1}}, "outbox", multi=True),
        delete({"n": 1}, limit=0),
        delete(BY_IDS, limit=0),
        delete({"subject": "a"}, limit=0, collection="outbox"),
        update({"_id": 1}, {"$set": {"n": 1}}, "outbox") | IN_TRANSACTION,
        delete({"_id": 1}, limit=1, collection="outbox") | IN_TRANSACTION,
        update({"_id": 1}, {"$set": {"email": "b"}}),
        update({"_id": 1}, {"$unset": {"email": ""}}),
        update({"_id": 1}, {"email": "b"}),
        update({"_id": 1}, [{"$set": {"email": "$other"}}]),
        update({"email": "a"}, {"$set": {"email": "b"}}),
        find_and_modify({"_id": 1}, update={"$set": {"email": "b"}}),
    ],
)
def test_unsupported_write_is_a_violation(command: Command) -> None:
    assert len(violations(command)) == 1


@pytest.mark.parametrize(
    "command",
    [
        update({}, {"$set": {"n": 1}}, multi=True) | IN_TRANSACTION,
        delete({"n": 1}, limit=0) | IN_TRANSACTION,
        delete(BY_IDS, limit=0, collection="outbox"),
        delete({"_id": 1}, limit=1),
        update({"_id": 1}, {"$set": {"n": 1}}, "outbox"),
        update({"_id": 1}, {"$set": {"email": "a", "n": 1}}),
        update({"_id": 2}, {"$set": {"email": "b"}}),  # of another process
        update({"_id": 3}, {"$setOnInsert": {"email": "b"}}, upsert=True),
        find_and_modify({"_id": 1}, update={"$set": {"n": 1}}),
        find_and_modify({"_id": 1}, remove=True),
    ],
)
def test_other_write_is_no_violation(command: Command) -> None:
    assert violations(command) == []
