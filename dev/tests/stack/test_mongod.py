"""How a real mongod becomes a replica set of one; told to a fake, as not every machine has one."""

from collections.abc import Callable
from typing import Any, Self

import pytest
from pymongo.errors import OperationFailure

from ticketing_dev.stack.processes import mongod

Change = tuple[str, Any, dict[str, Any]]


class Server:
    """Answers commands as mongod does, and remembers those that change it."""

    def __init__(self, config: dict[str, Any] | None = None) -> None:
        self.config, self.asked = config, 0
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
            self.asked += 1
            return {"isWritablePrimary": self.asked > 2}
        self.changes.append((name, argument, options))
        return {}


MakePrimary = Callable[[Server], list[Change]]


@pytest.fixture
def make_primary(monkeypatch: pytest.MonkeyPatch) -> MakePrimary:
    def on(server: Server) -> list[Change]:
        monkeypatch.setattr(mongod, "_direct_client", lambda _: server)
        mongod.initiate_replica_set(27018)
        return server.changes

    return on


MEMBER = {"_id": 0, "host": "127.0.0.1:27018"}


def test_a_new_server_forms_its_set(make_primary: MakePrimary) -> None:
    server = Server()
    config = {"_id": "rs0", "members": [MEMBER]}
    assert make_primary(server) == [("replSetInitiate", config, {})]
    assert server.asked == 3, "it waits until the server takes writes"


def test_a_set_formed_before_is_left_as_it_is(make_primary: MakePrimary) -> None:
    assert make_primary(Server({"_id": "rs0", "version": 1, "members": [MEMBER]})) == []


def test_a_set_whose_server_has_moved_follows_it(make_primary: MakePrimary) -> None:
    before = {"_id": "rs0", "version": 4, "members": [{"_id": 0, "host": "127.0.0.1:1"}]}
    after = {"_id": "rs0", "version": 5, "members": [MEMBER]}
    assert make_primary(Server(before)) == [("replSetReconfig", after, {"force": True})]


def test_a_server_that_never_takes_writes_is_given_up(
    make_primary: MakePrimary, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mongod, "PRIMARY_TIMEOUT_SECONDS", 0.0)
    with pytest.raises(TimeoutError, match="no primary"):
        make_primary(Server())
