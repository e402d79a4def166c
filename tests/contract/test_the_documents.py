"""What the documents say is what the code does."""

from ticketing_dev.diagram import DOCUMENT, diagram, drawn_into


def test_the_diagram_of_events_is_drawn_from_the_subscription_lists() -> None:
    text = DOCUMENT.read_text()
    assert text == drawn_into(text), "`.venv/bin/python -m ticketing_dev.diagram` draws it anew"


def test_the_diagram_shows_who_says_what_to_whom() -> None:
    assert (
        '    payments -- "PaymentCreated<br/>PaymentRefunded" --> contact' in diagram().splitlines()
    )
    assert '    expiration -- "ExpirationCompleted" --> orders' in diagram().splitlines()
