"""The embedded MongoDB: durability, and the writes that meet a transaction.

`ticketing_testing.rules.safe_writes` refuses those that are not here.
"""

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pymongo
import pytest
import yaml
from bson import ObjectId
from pymongo.client_session import ClientSession
from pymongo.collection import Collection
from pymongo.errors import DuplicateKeyError, OperationFailure, PyMongoError

from ticketing_dev.checkout import ROOT
from ticketing_dev.stack.processes import mongod, servers
from ticketing_dev.stack.processes.ports import free_port
from ticketing_dev.stack.supervision.process import Process, running
from ticketing_testing.timeouts import TIMEOUT_SECONDS

Row = dict[str, Any]
Rows = Collection[Row]

OPENS_A_TRANSACTION = """
import pymongo, sys
with pymongo.MongoClient(sys.argv[1]) as client, client.start_session() as session:
    session.start_transaction()
    client.test.documents.update_one({"_id": 1}, {"$inc": {"n": 1}}, session=session)
    print("open", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def mongo(tmp_path: Path) -> Iterator[Process]:
    """The server, with its data synced at each commit."""
    with running(servers.mongo(free_port(), tmp_path)) as process:
        yield process


@pytest.fixture
def uri(mongo: Process) -> str:
    assert isinstance(mongo.spec, servers.Mongo)
    return mongo.spec.uri("test")


@pytest.fixture
def documents(uri: str) -> Iterator[Rows]:
    """A collection with two documents and a unique index."""
    with pymongo.MongoClient[Row](uri, timeoutMS=TIMEOUT_SECONDS * 1000) as client:
        client.test.documents.create_index("key", unique=True)
        client.test.documents.insert_many([{"_id": each, "key": each, "n": 0} for each in (1, 2)])
        yield client.test.documents


@pytest.mark.parametrize(
    "write",
    [
        lambda rows: rows.update_one({"_id": 1}, {"$inc": {"n": 10}}),
        lambda rows: rows.find_one_and_update({"key": 1}, {"$inc": {"n": 10}}),
        lambda rows: rows.update_one({"_id": 3}, {"$inc": {"n": 10}}, upsert=True),
        lambda rows: rows.delete_one({"_id": 1}),
        lambda rows: rows.bulk_write(
            [pymongo.DeleteOne({"_id": 1}), pymongo.DeleteOne({"_id": 3})]
        ),
        lambda rows: rows.insert_one({"_id": 4, "key": 3}),
    ],
    ids=["update", "find-and-update", "upsert", "delete", "bulk", "insert"],
)
def test_single_document_write_waits_for_a_transaction(
    documents: Rows, write: Callable[[Rows], object]
) -> None:
    with ThreadPoolExecutor() as pool, documents.database.client.start_session() as session:
        session.start_transaction()
        documents.update_one({"_id": 1}, {"$inc": {"n": 1}}, session=session)
        documents.insert_one({"_id": 3, "key": 3, "n": 0}, session=session)
        writing = pool.submit(write, documents)
        with pytest.raises(TimeoutError):
            writing.result(timeout=0.3)
        documents.update_one({"_id": 2}, {"$inc": {"n": 1}}, session=session)
        session.commit_transaction()
        error = writing.exception(TIMEOUT_SECONDS)
    assert error is None or isinstance(error, DuplicateKeyError)
    assert documents.find_one({"_id": 2}) == {"_id": 2, "key": 2, "n": 1}


def test_writes_of_two_transactions_to_a_document_conflict(documents: Rows) -> None:
    writes: list[Callable[[ClientSession], object]] = [
        lambda session: documents.update_one({"_id": 1}, {"$inc": {"n": 1}}, session=session),
        lambda session: documents.update_many({}, {"$inc": {"n": 1}}, session=session),
        lambda session: documents.delete_many({}, session=session),
    ]
    for write in writes:
        client = documents.database.client
        with client.start_session() as first, client.start_session() as second:
            first.start_transaction()
            documents.update_one({"_id": 1}, {"$inc": {"n": 1}}, session=first)
            second.start_transaction()
            with pytest.raises(OperationFailure) as conflict:
                write(second)
            assert conflict.value.code == 112
            assert conflict.value.has_error_label("TransientTransactionError")
            first.commit_transaction()
    assert [row["n"] for row in documents.find().sort("_id")] == [3, 0]


def test_outbox_rows_are_deleted_by_ids_beside_transactions_that_add_some(documents: Rows) -> None:
    outbox = documents.database.outbox
    outbox.create_index([("aggregate_id", 1), ("_id", 1)])
    ended = threading.Event()

    def add(number: int) -> int:
        added = 0
        while not ended.is_set():
            rows = [{"_id": ObjectId(), "aggregate_id": number % 2 + 1} for _ in range(3)]

            def work(session: ClientSession, rows: list[Row] = rows) -> None:
                documents.update_one({"_id": number % 2 + 1}, {"$inc": {"n": 1}}, session=session)
                for row in rows:
                    outbox.insert_one(row, session=session)

            with documents.database.client.start_session() as session:
                session.with_transaction(work)
            added += len(rows)
        return added

    def delete() -> int:
        deleted = 0
        while not ended.is_set():
            ids = [row["_id"] for row in outbox.find({}, {"_id": 1}).limit(50)]
            deleted += outbox.delete_many({"_id": {"$in": ids}}).deleted_count
        return deleted

    with ThreadPoolExecutor() as pool:
        adding = [pool.submit(add, number) for number in range(4)]
        deleting = [pool.submit(delete) for _ in range(2)]
        time.sleep(2)
        ended.set()
        added = sum(future.result(TIMEOUT_SECONDS) for future in adding)
        deleted = sum(future.result(TIMEOUT_SECONDS) for future in deleting)
    assert deleted > 0
    assert deleted + outbox.count_documents({}) == added


def test_transaction_of_a_killed_client_ends_with_the_sessions(uri: str, documents: Rows) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", OPENS_A_TRANSACTION, uri],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as client:
        assert client.stdout
        assert client.stdout.readline() == b"open\n"
        client.kill()
    documents.database.client.admin.command("killAllSessions", [])
    documents.database.client.drop_database("test")
    documents.insert_one({"_id": 1, "key": 1})
    assert documents.find().to_list() == [{"_id": 1, "key": 1}]


def test_acknowledged_writes_survive_sigkill_under_load(
    mongo: Process, uri: str, documents: Rows
) -> None:
    ledger = documents.database.ledger
    ledger.insert_one({"_id": "first"})

    def write(writer: int) -> list[str]:
        """Write until the server is killed; return the acknowledged ids."""
        acknowledged: list[str] = []
        with pymongo.MongoClient[Row](uri, timeoutMS=1_000, retryWrites=False) as client:
            while True:
                row = {"_id": f"{writer}-{len(acknowledged)}", "key": f"{writer}.{time.time_ns()}"}

                def work(session: ClientSession, row: Row = row) -> None:
                    client.test.documents.insert_one(row, session=session)
                    client.test.ledger.insert_one(row, session=session)

                try:
                    with pymongo.timeout(2), client.start_session() as session:
                        session.with_transaction(work)
                except PyMongoError:
                    return acknowledged
                acknowledged.append(str(row["_id"]))

    with ThreadPoolExecutor() as pool:
        writers = [pool.submit(write, writer) for writer in range(6)]
        time.sleep(1)
        mongo.kill()
        acknowledged = [each for writer in writers for each in writer.result(TIMEOUT_SECONDS)]
    mongo.start()
    both = [
        {row["_id"] for row in rows.find({"_id": {"$type": "string"}})}
        for rows in (documents, ledger)
    ]
    assert both[0] == both[1] - {"first"}, "half of a transaction"
    assert set(acknowledged) <= both[0]
    assert acknowledged


def test_transaction_lifetime_is_that_of_the_cluster() -> None:
    manifests = yaml.safe_load_all((ROOT / "infra/k8s/mongo/replica-set/mongo.yaml").read_text())
    (container,) = next(manifests)["spec"]["template"]["spec"]["containers"]
    assert f"--setParameter={mongod.TRANSACTION_PARAMETER}" in container["command"]
