"""What the documents say is what the code does."""

from pathlib import Path

import pytest

from ticketing_common.events.payments import PaymentStatus
from ticketing_dev.tools.diagrams import DOCS, GENERATED, event_flow, payment_states, with_generated


@pytest.mark.parametrize("document", GENERATED, ids=lambda path: path.name)
def test_what_a_document_shows_of_the_code_is_as_the_code_is(document: Path) -> None:
    drawn = with_generated(document)
    assert document.read_text() == drawn, (
        "`.venv/bin/python -m ticketing_dev.tools.diagrams` draws it"
    )


def test_every_state_of_a_payment_is_drawn_and_explained() -> None:
    explained = (DOCS / "payments.md").read_text()
    for status in PaymentStatus:
        assert status.replace("-", "_") in payment_states()
        assert f"\n| `{status}` |" in explained


def test_the_diagram_shows_who_says_what_to_whom() -> None:
    assert (
        '    payments -- "PaymentCreated<br/>PaymentRefunded" --> contact'
        in event_flow().splitlines()
    )
    assert '    expiration -- "ExpirationCompleted" --> orders' in event_flow().splitlines()
