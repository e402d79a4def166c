"""The two deadlocks of the embedded MongoDB, which its compatibility start works around."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pymongo
import pytest
import yaml
from pymongo.collection import Collection

from ticketing_dev.checkout import ROOT
from ticketing_dev.stack.processes import mongod, servers
from ticketing_dev.stack.processes.ports import free_port
from ticketing_dev.stack.supervision.process import running
from ticketing_testing.timeouts import TIMEOUT_SECONDS

Row = dict[str, Any]

OPENS_A_TRANSACTION = """
import pymongo, sys
with pymongo.MongoClient(sys.argv[1]) as client, client.start_session() as session:
    session.start_transaction()
    client.test.documents.update_one({"_id": 1}, {"$inc": {"n": 1}}, session=session)
    print("open", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def uri(tmp_path: Path) -> Iterator[str]:
    spec = servers.mongo(free_port(), tmp_path, durable=False)
    with running(spec):
        yield spec.uri("test")


@pytest.fixture
def documents(uri: str) -> Iterator[Collection[Row]]:
    with pymongo.MongoClient[Row](uri, timeoutMS=TIMEOUT_SECONDS * 1000) as client:
        client.test.documents.insert_many([{"_id": 1, "n": 0}, {"_id": 2, "n": 0}])
        yield client.test.documents


def test_write_of_many_waits_for_a_transaction_without_a_deadlock(
    documents: Collection[Row],
) -> None:
    def add() -> None:
        documents.update_many({}, {"$inc": {"n": 10}})

    def delete() -> None:
        documents.delete_many({"n": {"$gt": 0}})

    for write, left in ((add, [11, 11]), (delete, [])):
        with documents.database.client.start_session() as session:
            session.start_transaction()
            for number in (1, 2):
                documents.update_one({"_id": number}, {"$inc": {"n": 1}}, session=session)
                if number == 1:
                    writer = threading.Thread(target=write)
                    writer.start()
                    writer.join(0.5)
                    assert writer.is_alive(), "it waits for the transaction"
            session.commit_transaction()
        writer.join(TIMEOUT_SECONDS)
        assert [document["n"] for document in documents.find()] == left


def test_transaction_of_a_killed_client_is_rolled_back(
    uri: str, documents: Collection[Row]
) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", OPENS_A_TRANSACTION, uri],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as client:
        assert client.stdout
        assert client.stdout.readline() == b"open\n"
        client.kill()
    documents.database.client.drop_database("test")  # no other transaction begins
    documents.insert_one({"_id": 1})
    assert documents.find().to_list() == [{"_id": 1}]


def test_transaction_lifetime_is_that_of_the_cluster() -> None:
    manifests = yaml.safe_load_all((ROOT / "infra/k8s/mongo/replica-set/mongo.yaml").read_text())
    (container,) = next(manifests)["spec"]["template"]["spec"]["containers"]
    assert f"--setParameter={mongod.TRANSACTION_PARAMETER}" in container["command"]
