import pytest

from ticketing_common.settings import SessionSettings
from ticketing_testing.factories import SESSION_SETTINGS

PUBLIC_KEYS = SESSION_SETTINGS["jwt_public_keys"]
GOOD = {"MONGO_URI": "mongodb://x/y", "NATS_URL": "nats://x", "JWT_PUBLIC_KEYS": PUBLIC_KEYS}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in GOOD.items():
        monkeypatch.setenv(name, value)


def test_settings_are_read_from_the_environment() -> None:
    settings = SessionSettings.read("x")

    assert settings.mongo_uri == "mongodb://x/y"
    assert settings.jwt_public_keys == PUBLIC_KEYS
    assert settings.cookie_secure


@pytest.mark.parametrize("missing", GOOD)
def test_settings_missing_variable_exits_with_its_name(
    missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(missing, "")

    with pytest.raises(SystemExit, match=f"tickets cannot start: {missing} is missing"):
        SessionSettings.read("tickets")


def test_settings_invalid_key_exits_without_printing_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JWT_PUBLIC_KEYS", "a short secret")

    with pytest.raises(SystemExit) as end:
        SessionSettings.read("x")

    assert "JWT_PUBLIC_KEYS should be a JSON Web Key Set" in str(end.value)
    assert "a short secret" not in str(end.value)


def test_settings_error_names_every_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in GOOD:
        monkeypatch.delenv(name)

    with pytest.raises(SystemExit) as end:
        SessionSettings.read("x")

    assert all(name in str(end.value) for name in GOOD)
