"""What the documents say is what the code does."""

from pathlib import Path

import pytest

from ticketing_common.events.payments import PaymentStatus
from ticketing_dev.tools.diagram import DOCS, DRAWN, diagram, drawn_into, life_of_a_payment


@pytest.mark.parametrize("document", DRAWN, ids=lambda path: path.name)
def test_what_a_document_shows_of_the_code_is_as_the_code_is(document: Path) -> None:
    drawn = drawn_into(document)
    assert document.read_text() == drawn, (
        "`.venv/bin/python -m ticketing_dev.tools.diagram` draws it"
    )


def test_every_state_of_a_payment_is_drawn_and_explained() -> None:
    explained = (DOCS / "payments.md").read_text()
    for status in PaymentStatus:
        assert status.replace("-", "_") in life_of_a_payment()
        assert f"\n| `{status}` |" in explained


def test_the_diagram_shows_who_says_what_to_whom() -> None:
    assert (
        '    payments -- "PaymentCreated<br/>PaymentRefunded" --> contact' in diagram().splitlines()
    )
    assert '    expiration -- "ExpirationCompleted" --> orders' in diagram().splitlines()
