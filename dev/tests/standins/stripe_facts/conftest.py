"""What the documentation of Stripe says, held against the stand-in through its SDK."""

import pytest
from dev.tests.standins.stripe_facts import documentation


@pytest.fixture(autouse=True)
def source(request: pytest.FixtureRequest) -> None:
    """Every fact names the page it is from."""
    page, _, _ = (request.function.__doc__ or "").partition(":")
    assert "docs.stripe.com" in getattr(documentation, page, ""), "the docstring names no page"
