import pytest

from ticketing_common.events import TicketCreated, TicketDeleted, TicketUpdated
from ticketing_ops.events.subjects import matches, named_by


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
def test_a_pattern_matches_as_nats_does(pattern: str, subject: str) -> None:
    assert matches(pattern, subject)


@pytest.mark.parametrize("pattern", ["order", "order.created.>", "*", "order.c*", "", "*.*.*"])
def test_a_pattern_of_something_else_does_not_match(pattern: str) -> None:
    assert not matches(pattern, "order.created")


def test_a_pattern_names_events() -> None:
    assert named_by("ticket.*") == [TicketCreated, TicketUpdated, TicketDeleted]
