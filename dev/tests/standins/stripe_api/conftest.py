"""Tests of behaviour that Stripe documents, through its SDK."""

import pytest
from dev.tests.standins.stripe_api import documentation


@pytest.fixture(autouse=True)
def source(request: pytest.FixtureRequest) -> None:
    """Require that each docstring starts with a page of `documentation`."""
    page, _, _ = (request.function.__doc__ or "").partition(":")
    assert "docs.stripe.com" in getattr(documentation, page, ""), (
        "the docstring does not start with a documentation page"
    )
