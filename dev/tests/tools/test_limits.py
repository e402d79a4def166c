"""The page of all limits."""

from ticketing_dev.tools.limits import PATH, limits_page


def test_limits_page_is_up_to_date() -> None:
    assert PATH.read_text() == limits_page(), "`python -m ticketing_dev.tools.limits` updates it"
