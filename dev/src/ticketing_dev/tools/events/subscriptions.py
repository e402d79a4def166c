"""Generate the table of subscriptions that ticketing-ops reads instead of importing services.

`python -m ticketing_dev.tools.events.subscriptions` writes it.
"""

import json
from typing import Any

from beanie import Document

from ticketing_common.persistence.proof import Proof
from ticketing_dev.checkout import ROOT
from ticketing_dev.tools.events.service_listeners import service_listeners

TABLE = ROOT / "ops" / "src" / "ticketing_ops" / "subscriptions.json"


def rendered() -> str:
    """Return the table of all services' listeners as JSON."""
    rows = [
        {
            "service": listeners.service,
            "listener": listener.name,
            "subject": listener.event.subject,
            "copy": _collection(listener.copy) if listener.copy is not None else None,
            "proof": _proof(listener.proof) if listener.proof is not None else None,
        }
        for listeners in service_listeners()
        for listener in listeners
    ]
    return json.dumps(rows, indent=2) + "\n"


def _proof(proof: Proof) -> dict[str, Any]:
    return {"collection": _collection(proof.document), "where": proof.where}


def _collection(document: type[Document]) -> str:
    # beanie's own accessor needs a database connection.
    name: str = vars(document)["Settings"].name
    return name


if __name__ == "__main__":
    TABLE.write_text(rendered())
