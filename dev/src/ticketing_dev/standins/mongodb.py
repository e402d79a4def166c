"""Compatibility start of secantusdb, the embedded MongoDB: works around two of its deadlocks.

It ends a transaction of a dead client only when another transaction begins: a client that drops
its database first blocks the whole server. mongod ends such a transaction by itself, after
`transactionLifetimeLimitSeconds`. And an `update_many` or `delete_many` that meets a transaction
keeps the lock which that transaction needs to continue; here both run as one write.

    python -m ticketing_dev.standins.mongodb OPTIONS OF secantusdb

TRANSACTION_LIFETIME_SECONDS sets the lifetime of a transaction.

Observed in secantusdb 0.7.0b3 (transactions.py, and `_update_matching_chunked` in storage.py).
"""

import os
import sys
import threading
import time
from typing import Any

from secantus import cli, server  # type: ignore[import-untyped]
from secantus.storage import Storage  # type: ignore[import-untyped]
from secantus.transactions import TransactionRegistry  # type: ignore[import-untyped]

DEFAULT_LIFETIME_SECONDS = 15
CHECK_INTERVAL_SECONDS = 1


class ExpiringTransactions(TransactionRegistry):  # type: ignore[misc]
    """The transactions in progress; a thread rolls back expired ones."""

    def __init__(self, **functions: Any) -> None:
        lifetime = os.environ.get("TRANSACTION_LIFETIME_SECONDS", DEFAULT_LIFETIME_SECONDS)
        super().__init__(**{**functions, "lifetime_seconds": int(lifetime)})
        threading.Thread(target=self._roll_back_expired, daemon=True).start()

    def _roll_back_expired(self) -> None:
        while True:
            time.sleep(CHECK_INTERVAL_SECONDS)
            self.prune_expired()


def main() -> int:
    """Patch secantusdb and run its command line."""
    server.TransactionRegistry = ExpiringTransactions
    Storage.update_matching = Storage._update_matching_single_txn
    Storage.delete_matching = Storage._delete_matching_single_txn
    return int(cli.main())


if __name__ == "__main__":
    sys.exit(main())
