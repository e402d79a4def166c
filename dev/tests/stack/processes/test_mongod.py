"""`initiate_replica_set` against a fake server, as not every machine has a mongod."""

from collections.abc import Callable
from typing import Any, Self

import pytest
from pymongo.errors import OperationFailure

from ticketing_dev.stack.processes import mongod

Change = tuple[str, Any, dict[str, Any]]


class Server:
    """A fake mongod that records the commands that change it."""

    def __init__(self, config: dict[str, Any] | None = None) -> None:
        self.config, self.hello_count = config, 0
        self.changes: list[Change] = []
        self.admin = self

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def command(self, name: str, argument: Any = None, **options: Any) -> dict[str, Any]:
        if name == "replSetGetConfig":
            if self.config is None:
                raise OperationFailure("no replset config has been received", 94)
            return {"config": self.config}
        if name == "hello":
            self.hello_count += 1
            return {"isWritablePrimary": self.hello_count > 2}
        self.changes.append((name, argument, options))
        return {}


Initiate = Callable[[Server], list[Change]]


@pytest.fixture
def initiate(monkeypatch: pytest.MonkeyPatch) -> Initiate:
    def on(server: Server) -> list[Change]:
        monkeypatch.setattr(mongod, "_direct_client", lambda _: server)
        mongod.initiate_replica_set(27018)
        return server.changes

    return on


MEMBER = {"_id": 0, "host": "127.0.0.1:27018"}


def test_initiate_replica_set_forms_a_new_set(initiate: Initiate) -> None:
    server = Server()
    config = {"_id": "rs0", "members": [MEMBER]}
    assert initiate(server) == [("replSetInitiate", config, {})]
    assert server.hello_count == 3, "it waits until the server takes writes"


def test_initiate_replica_set_keeps_an_existing_set(initiate: Initiate) -> None:
    assert initiate(Server({"_id": "rs0", "version": 1, "members": [MEMBER]})) == []


def test_initiate_replica_set_reconfigures_a_moved_server(initiate: Initiate) -> None:
    before = {"_id": "rs0", "version": 4, "members": [{"_id": 0, "host": "127.0.0.1:1"}]}
    after = {"_id": "rs0", "version": 5, "members": [MEMBER]}
    assert initiate(Server(before)) == [("replSetReconfig", after, {"force": True})]


def test_initiate_replica_set_times_out_without_a_primary(
    initiate: Initiate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mongod, "PRIMARY_TIMEOUT_SECONDS", 0.0)
    with pytest.raises(TimeoutError, match="no primary"):
        initiate(Server())
