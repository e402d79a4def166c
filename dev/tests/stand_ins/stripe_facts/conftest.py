"""What the documentation of Stripe says, held against the stand-in through its SDK."""

import pytest
from dev.tests.stand_ins.stripe_facts import documentation


def pytest_itemcollected(item: pytest.Item) -> None:
    """Stripe's SDK hands its bodies to httpx in a way that httpx has deprecated."""
    item.add_marker(pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning"))


@pytest.fixture(autouse=True)
def source(request: pytest.FixtureRequest) -> None:
    """Every fact names the page it is from."""
    page, _, _ = (request.function.__doc__ or "").partition(":")
    assert "docs.stripe.com" in getattr(documentation, page, ""), "the docstring names no page"
