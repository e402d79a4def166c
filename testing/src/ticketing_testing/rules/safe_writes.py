"""MongoDB writes that the embedded server does not support; a test that sends one fails.

See docs/adr/0008-embedded-stand-ins.md for what happens otherwise.
"""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from pymongo import monitoring

Namespace = tuple[str, str]
Command = Mapping[str, Any]

INSERT_ONLY = "outbox"
"""Transactions only insert into this collection. So no transaction holds a row that is committed,
and rows can be deleted by their ids outside of one."""

_UNKNOWN = object()


class SafeWrites(monitoring.CommandListener):
    """Records the unsupported writes of all clients of this process."""

    def __init__(self) -> None:
        self.violations: list[str] = []
        self._unique: defaultdict[Namespace, set[str]] = defaultdict(set)
        self._inserted: dict[tuple[Namespace, str], Command] = {}
        """Documents of collections with a unique index, by the `repr` of their id."""

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        """Check a command that a client sends."""
        command, name = event.command, event.command_name
        namespace = (event.database_name, str(command.get(name)))
        match name:
            case "createIndexes":
                unique = (index["key"] for index in command["indexes"] if index.get("unique"))
                self._unique[namespace].update(*unique)
            case "insert" if self._unique[namespace]:
                for document in command["documents"]:
                    self._inserted[namespace, repr(document["_id"])] = document
            case "update":
                for update in command["updates"]:
                    self._check_update(namespace, command, update["q"], update["u"])
                    if update.get("multi"):
                        self._check_multi(namespace, command, update["q"])
            case "delete":
                for delete in command["deletes"]:
                    self._check_delete(namespace, command, delete["q"])
                    if delete["limit"] == 0:
                        self._check_multi(namespace, command, delete["q"], deletes=True)
            case "findAndModify" if "update" in command:
                self._check_update(namespace, command, command["query"], command["update"])
            case "findAndModify":
                self._check_delete(namespace, command, command["query"])

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        """Ignore the reply."""

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        """Ignore the error."""

    def _check_multi(
        self, namespace: Namespace, command: Command, query: Command, *, deletes: bool = False
    ) -> None:
        by_ids = list(query) == ["_id"] and list(query["_id"]) == ["$in"]
        if not _in_transaction(command) and not (
            deletes and by_ids and namespace[1] == INSERT_ONLY
        ):
            self._add(namespace, f"multi-document write outside a transaction: {query}")

    def _check_delete(self, namespace: Namespace, command: Command, query: Command) -> None:
        if _in_transaction(command) and namespace[1] == INSERT_ONLY:
            self._add(namespace, f"transaction that deletes {query}: transactions only insert here")

    def _check_update(
        self, namespace: Namespace, command: Command, query: Command, update: Any
    ) -> None:
        if _in_transaction(command) and namespace[1] == INSERT_ONLY:
            self._add(namespace, f"transaction that updates {query}: transactions only insert here")
        unique = self._unique[namespace]
        if "_id" not in query:
            stored: Command = {}
        elif (namespace, repr(query["_id"])) in self._inserted:
            stored = self._inserted[namespace, repr(query["_id"])]
        else:
            return  # another process inserted the document
        for field, value in _updated_values(update):
            if field in unique and stored.get(field, _UNKNOWN) != value:
                self._add(namespace, f"update of the unique field {field}: {query}")

    def _add(self, namespace: Namespace, text: str) -> None:
        self.violations.append(f"{'.'.join(namespace)}: {text}")


def _in_transaction(command: Command) -> bool:
    return "autocommit" in command


def _updated_values(update: Any) -> list[tuple[str, Any]]:
    """Return the fields that an update of an existing document changes, with their new values.

    A value that the server computes is None.
    """
    if isinstance(update, list):  # a pipeline
        return [(str(field), None) for stage in update for field in stage.get("$set", {})]
    operators = {name: fields for name, fields in update.items() if name.startswith("$")}
    if not operators:
        return list(update.items())
    return [
        (field, value if operator == "$set" else None)
        for operator, fields in operators.items()
        if operator != "$setOnInsert"
        for field, value in fields.items()
    ]
