"""secantusdb, the stand-in for MongoDB, without the two ways in which it waits for ever.

A transaction whose client has died is ended only once another transaction begins: who drops its
database first holds up the whole server. mongod ends it by itself, in a cluster after as long.
And an `update_many` or `delete_many` that meets a transaction keeps the lock that this transaction
needs to go on. So does no single write; it takes both for one, all at once.

    python -m ticketing_dev.standins.mongodb OPTIONS OF secantusdb

Seen in secantusdb 0.7.0b3 (transactions.py, and storage.py's `_update_matching_chunked`).
"""

import sys
import threading
import time
from typing import Any

from secantus import cli, server  # type: ignore[import-untyped]
from secantus.storage import Storage  # type: ignore[import-untyped]
from secantus.transactions import TransactionRegistry  # type: ignore[import-untyped]

from ticketing_dev.stack.mongod import TRANSACTION_SECONDS

LOOK_EVERY_SECONDS = 1


class Transactions(TransactionRegistry):  # type: ignore[misc]
    """Those that are under way; what nobody goes on with is rolled back in time."""

    def __init__(self, **functions: Any) -> None:
        super().__init__(**{**functions, "lifetime_seconds": TRANSACTION_SECONDS})
        threading.Thread(target=self._end_the_forgotten, daemon=True).start()

    def _end_the_forgotten(self) -> None:
        while True:
            time.sleep(LOOK_EVERY_SECONDS)
            self.prune_expired()


def main() -> int:
    """Serve until told to stop, as secantusdb's own command does."""
    server.TransactionRegistry = Transactions
    Storage.update_matching = Storage._update_matching_single_txn
    Storage.delete_matching = Storage._delete_matching_single_txn
    return int(cli.main())


if __name__ == "__main__":
    sys.exit(main())
