import pytest

from ticketing_common.settings import SessionSettings

GOOD = {"MONGO_URI": "mongodb://x/y", "NATS_URL": "nats://x", "JWT_KEY": "k" * 32}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in GOOD.items():
        monkeypatch.setenv(name, value)


def test_settings_are_read_from_the_environment() -> None:
    settings = SessionSettings.read("x")

    assert settings.mongo_uri == "mongodb://x/y"
    assert settings.jwt_keys() == ["k" * 32]


@pytest.mark.parametrize("missing", GOOD)
def test_settings_missing_variable_exits_with_its_name(
    missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(missing, "")

    with pytest.raises(SystemExit, match=f"tickets cannot start: {missing} is missing"):
        SessionSettings.read("tickets")


@pytest.mark.parametrize("name", ["JWT_KEY", "JWT_KEY_PREVIOUS"])
def test_settings_short_key_exits_without_printing_it(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "a short secret")

    with pytest.raises(SystemExit) as end:
        SessionSettings.read("x")

    assert name in str(end.value)
    assert "at least 32 bytes" in str(end.value)
    assert "a short secret" not in str(end.value)


def test_settings_error_names_every_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in GOOD:
        monkeypatch.delenv(name)

    with pytest.raises(SystemExit) as end:
        SessionSettings.read("x")

    assert all(name in str(end.value) for name in GOOD)


def test_settings_repr_has_no_secrets() -> None:
    assert "k" * 32 not in repr(SessionSettings.read("x"))
