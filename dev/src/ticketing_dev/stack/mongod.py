"""A real mongod as a replica set of one, which transactions and change streams need."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from ticketing_dev.stack.ports import HOST

if TYPE_CHECKING:
    from pymongo import MongoClient

# pymongo is imported where it is used: loading it would double what `ticketing status` takes.

REPLICA_SET = "rs0"
TRANSACTION_SECONDS = 15
"""As infra/k8s/mongo has it: how long a transaction holds documents when its client has died."""
TRANSACTIONS = f"transactionLifetimeLimitSeconds={TRANSACTION_SECONDS}"
NOT_YET_INITIALIZED = 94
INVALID_REPLICA_SET_CONFIG = 93
PATIENCE_SECONDS = 30.0


def _direct(port: int) -> MongoClient[dict[str, Any]]:
    from pymongo import MongoClient

    return MongoClient(HOST, port, directConnection=True, serverSelectionTimeoutMS=2_000)


def pings(port: int) -> bool:
    """Whether a MongoDB answers, primary or not."""
    from pymongo.errors import PyMongoError

    try:
        with _direct(port) as client:
            client.admin.command("ping")
    except PyMongoError:
        return False
    return True


def make_primary(port: int) -> None:
    """Form the replica set of this one server, at this address, and wait until it takes writes.

    Does no harm to one formed before: where the port has changed since, its member moves to it.
    Raises TimeoutError when it does not become primary.
    """
    from pymongo.errors import OperationFailure

    member = {"_id": 0, "host": f"{HOST}:{port}"}
    deadline = time.monotonic() + PATIENCE_SECONDS
    with _direct(port) as client:
        try:
            config = client.admin.command("replSetGetConfig")["config"]
        except OperationFailure as error:
            if error.code != NOT_YET_INITIALIZED:
                raise
            client.admin.command("replSetInitiate", {"_id": REPLICA_SET, "members": [member]})
        else:
            if [other["host"] for other in config["members"]] != [member["host"]]:
                moved = config | {"version": config["version"] + 1, "members": [member]}
                client.admin.command("replSetReconfig", moved, force=True)
        while not client.admin.command("hello").get("isWritablePrimary"):
            if time.monotonic() > deadline:
                raise TimeoutError(f"no primary in {PATIENCE_SECONDS:.0f} s")
            time.sleep(0.05)
