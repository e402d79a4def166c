"""A real mongod as a replica set of one member, which transactions and change streams need."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from ticketing_dev.stack.processes.ports import HOST

if TYPE_CHECKING:
    from pymongo import MongoClient

# pymongo is imported in functions: at module level it would double the time of
# `ticketing status`.

REPLICA_SET = "rs0"
TRANSACTION_LIFETIME_SECONDS = 15
"""The value of infra/k8s/mongo: how long the transaction of a dead client locks documents."""
TRANSACTION_PARAMETER = f"transactionLifetimeLimitSeconds={TRANSACTION_LIFETIME_SECONDS}"
NOT_YET_INITIALIZED = 94
PRIMARY_TIMEOUT_SECONDS = 30.0


def _direct_client(port: int) -> MongoClient[dict[str, Any]]:
    from pymongo import MongoClient

    return MongoClient(HOST, port, directConnection=True, serverSelectionTimeoutMS=2_000)


def is_responding(port: int) -> bool:
    """Return whether a MongoDB server responds to a ping, as primary or not."""
    from pymongo.errors import PyMongoError

    try:
        with _direct_client(port) as client:
            client.admin.command("ping")
    except PyMongoError:
        return False
    return True


def initiate_replica_set(port: int) -> None:
    """Initiate the replica set of this one server and wait until it accepts writes.

    Idempotent. If the port has changed since, the member is reconfigured to the new address.

    Raises:
        TimeoutError: the server did not become primary.
    """
    from pymongo.errors import OperationFailure

    member = {"_id": 0, "host": f"{HOST}:{port}"}
    deadline = time.monotonic() + PRIMARY_TIMEOUT_SECONDS
    with _direct_client(port) as client:
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
                raise TimeoutError(f"no primary in {PRIMARY_TIMEOUT_SECONDS:.0f} s")
            time.sleep(0.05)
