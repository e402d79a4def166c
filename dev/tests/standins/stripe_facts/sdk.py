"""How a fact asks by Stripe's SDK, and reads what the SDK raises."""

from collections.abc import Callable
from typing import Any

import pytest
import stripe

Pay = Callable[..., Any]


def told(raised: pytest.ExceptionInfo[stripe.StripeError]) -> Any:
    """The error that the SDK raised, with all that it read from the answer."""
    return raised.value
