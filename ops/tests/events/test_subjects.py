import pytest

from ticketing_common.events import TicketCreated, TicketDeleted, TicketUpdated
from ticketing_ops.events.subjects import matches, matching_events


@pytest.mark.parametrize(
    ("pattern", "subject"),
    [
        (">", "order.created"),
        ("order.>", "order.created"),
        ("order.*", "order.created"),
        ("*.created", "order.created"),
        ("order.created", "order.created"),
    ],
)
def test_matches_accepts_a_subject_as_nats_does(pattern: str, subject: str) -> None:
    assert matches(pattern, subject)


@pytest.mark.parametrize("pattern", ["order", "order.created.>", "*", "order.c*", "", "*.*.*"])
def test_matches_rejects_another_subject(pattern: str) -> None:
    assert not matches(pattern, "order.created")


def test_matching_events_returns_the_events_of_a_pattern() -> None:
    assert matching_events("ticket.*") == [TicketCreated, TicketUpdated, TicketDeleted]
