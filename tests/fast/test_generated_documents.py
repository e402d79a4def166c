"""The documents' generated parts against the code."""

from pathlib import Path

import pytest

from ticketing_common.events.payments import PaymentStatus
from ticketing_dev.tools.diagrams import DOCS, GENERATED, event_flow, payment_states, with_generated


@pytest.mark.parametrize("document", GENERATED, ids=lambda path: path.name)
def test_document_has_current_diagrams(document: Path) -> None:
    assert document.read_text() == with_generated(document), (
        "Run `.venv/bin/python -m ticketing_dev.tools.diagrams`."
    )


def test_document_explains_every_payment_state() -> None:
    document = (DOCS / "payments.md").read_text()
    for status in PaymentStatus:
        assert status.replace("-", "_") in payment_states()
        assert f"\n| `{status}` |" in document


def test_event_flow_shows_producers_and_consumers() -> None:
    assert (
        '    payments -- "PaymentCreated<br/>PaymentRefunded" --> contact'
        in event_flow().splitlines()
    )
    assert '    expiration -- "ExpirationCompleted" --> orders' in event_flow().splitlines()
