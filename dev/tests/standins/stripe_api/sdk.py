"""Helpers for Stripe's SDK."""

from collections.abc import Callable
from typing import Any

import pytest
import stripe

Pay = Callable[..., Any]


def error_of(raised: pytest.ExceptionInfo[stripe.StripeError]) -> Any:
    """Return the error that the SDK raised."""
    return raised.value
