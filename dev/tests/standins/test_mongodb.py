"""Who waits for a transaction waits for its end, and that comes, whoever has died meanwhile."""

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

LEAVES_A_TRANSACTION_OPEN = """
import pymongo, sys
with pymongo.MongoClient(sys.argv[1]) as client, client.start_session() as session:
    session.start_transaction()
    client.shop.things.update_one({"_id": 1}, {"$inc": {"n": 1}}, session=session)
    print("open", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def uri(tmp_path: Path) -> Iterator[str]:
    part = servers.mongo(free_port(), tmp_path, durable=False)
    with running(part):
        yield part.uri("shop")


@pytest.fixture
def things(uri: str) -> Iterator[Collection[Row]]:
    with pymongo.MongoClient[Row](uri, timeoutMS=TIMEOUT_SECONDS * 1000) as client:
        client.shop.things.insert_many([{"_id": 1, "n": 0}, {"_id": 2, "n": 0}])
        yield client.shop.things


def test_a_write_of_many_waits_for_a_transaction_and_lets_it_go_on(
    things: Collection[Row],
) -> None:
    def add() -> None:
        things.update_many({}, {"$inc": {"n": 10}})

    def delete() -> None:
        things.delete_many({"n": {"$gt": 0}})

    for write, left in ((add, [11, 11]), (delete, [])):
        with things.database.client.start_session() as session:
            session.start_transaction()
            for number in (1, 2):
                things.update_one({"_id": number}, {"$inc": {"n": 1}}, session=session)
                if number == 1:
                    beside = threading.Thread(target=write)
                    beside.start()
                    beside.join(0.5)
                    assert beside.is_alive(), "it waits for what the transaction has written"
            session.commit_transaction()
        beside.join(TIMEOUT_SECONDS)
        assert [thing["n"] for thing in things.find()] == left


def test_a_transaction_whose_client_was_killed_ends_by_itself(
    uri: str, things: Collection[Row]
) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", LEAVES_A_TRANSACTION_OPEN, uri],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as client:
        assert client.stdout
        assert client.stdout.readline() == b"open\n"
        client.kill()
    things.database.client.drop_database("shop")  # no transaction begins meanwhile
    things.insert_one({"_id": 1})
    assert things.find().to_list() == [{"_id": 1}]


def test_in_a_cluster_such_a_transaction_ends_as_soon() -> None:
    manifests = yaml.safe_load_all((ROOT / "infra/k8s/mongo/set/mongo.yaml").read_text())
    (container,) = next(manifests)["spec"]["template"]["spec"]["containers"]
    assert f"--setParameter={mongod.TRANSACTION_PARAMETER}" in container["command"]
