"""The table of subscriptions in ticketing-ops."""

from ticketing_dev.tools.events.subscriptions import TABLE, rendered


def test_subscriptions_equal_the_services_listeners() -> None:
    assert TABLE.read_text() == rendered(), (
        "run `python -m ticketing_dev.tools.events.subscriptions`"
    )
