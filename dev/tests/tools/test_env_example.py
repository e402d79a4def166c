"""The .env.example of each service."""

import pytest

from ticketing_common.topology import SERVICE_NAMES
from ticketing_dev.tools.env_example import env_example, example_path, settings_class
from ticketing_testing.factories import SESSION_SETTINGS

every_service = pytest.mark.parametrize("service", SERVICE_NAMES)


@every_service
def test_env_example_is_up_to_date(service: str) -> None:
    assert example_path(service).read_text() == env_example(service), (
        "`.venv/bin/python -m ticketing_dev.tools.env_example` updates it"
    )


@every_service
@pytest.mark.parametrize("prefix", ["", "#"])
def test_env_example_has_valid_values(
    service: str, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_class(service)
    lines = [line.removeprefix(prefix) for line in env_example(service).splitlines()]
    variables = dict(line.split("=", 1) for line in lines if line and line[0].isupper())
    # The placeholders of keys are no keys, so that a service does not start with them.
    variables |= {
        name.upper(): key for name, key in SESSION_SETTINGS.items() if name.upper() in variables
    }
    for name in settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    values = settings()

    if prefix:
        assert variables.keys() == {name.upper() for name in settings.model_fields}
    for name, field in settings.model_fields.items():
        if not field.is_required():
            assert getattr(values, name) == field.default
