from datetime import timedelta
from typing import Any

import pytest

from orders.settings import OrdersSettings
from ticketing_testing.factories import SESSION_SETTINGS

REQUIRED: dict[str, Any] = {
    "mongo_uri": "mongodb://localhost/orders",
    "nats_url": "nats://localhost",
    **SESSION_SETTINGS,
}


def test_expiration_window_is_a_positive_number_of_seconds() -> None:
    settings = OrdersSettings(**REQUIRED, expiration_window_seconds=5)

    assert settings.expiration_window == timedelta(seconds=5)
    with pytest.raises(ValueError, match="greater than or equal to 1"):
        OrdersSettings(**REQUIRED, expiration_window_seconds=0)
