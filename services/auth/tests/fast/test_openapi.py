import pytest

from auth.app import create_app
from auth.settings import AuthSettings
from ticketing_testing.factories import SESSION_SETTINGS


@pytest.mark.parametrize("route", ["signin", "forgot-password"])
def test_openapi_describes_rate_limit(route: str) -> None:
    settings = AuthSettings(
        mongo_uri="mongodb://localhost/auth", nats_url="nats://localhost", **SESSION_SETTINGS
    )

    document = create_app(settings).openapi()

    assert "429" in document["paths"][f"/api/users/{route}"]["post"]["responses"]
