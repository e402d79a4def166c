"""The environment variables of each service: the contract, the settings and the local stack."""

from pathlib import Path

import pytest
from tests.contract.tables import ENVIRONMENT

from ticketing_common.topology import SERVICE_NAMES
from ticketing_dev.stack.definition import define_stack
from ticketing_dev.stack.processes.ports import free_port
from ticketing_dev.stack.secrets import Secrets
from ticketing_dev.tools.env_example import settings_class

SETTINGS = {service: settings_class(service) for service in SERVICE_NAMES}

each_service = pytest.mark.parametrize("service", SETTINGS)


def is_limit(name: str) -> bool:
    """Return whether docs/limits.md has the setting: those of limits are many."""
    return name.startswith("limit_")


def required(service: str) -> set[str]:
    return {name for name, is_required in ENVIRONMENT[service].items() if is_required}


@pytest.fixture
def empty_environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An environment without any of the variables."""
    for variables in ENVIRONMENT.values():
        for name in variables:
            monkeypatch.delenv(name, raising=False)
    return monkeypatch


@pytest.fixture
def stack_variables(tmp_path: Path) -> dict[str, dict[str, str]]:
    """The variables that the local stack sets for each of its processes."""
    specs = define_stack(8080, tmp_path, lambda _: free_port(), Secrets(), {}, expiration_window=5)
    return {spec.name: dict(spec.env) for spec in specs}


def test_contract_has_variables_of_every_service() -> None:
    assert SETTINGS.keys() == ENVIRONMENT.keys()


@each_service
def test_settings_read_the_contract_variables(service: str) -> None:
    read = {name.upper() for name in SETTINGS[service].model_fields if not is_limit(name)}
    assert read == ENVIRONMENT[service].keys()


@each_service
def test_settings_name_every_missing_variable(
    service: str, empty_environment: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SystemExit) as exit:
        SETTINGS[service].read(service)
    prefix, _, faults = str(exit.value).partition(": ")
    assert prefix == f"{service} cannot start"
    assert set(faults.split("; ")) == {f"{name} is missing" for name in required(service)}


@each_service
def test_stack_sets_required_and_no_unknown_variables(
    service: str, stack_variables: dict[str, dict[str, str]]
) -> None:
    names = stack_variables[service].keys() - {"PYTHONUNBUFFERED"}
    assert required(service) <= names <= ENVIRONMENT[service].keys()


@each_service
def test_settings_accept_variables_of_the_stack(
    service: str, stack_variables: dict[str, dict[str, str]], empty_environment: pytest.MonkeyPatch
) -> None:
    for name, value in stack_variables[service].items():
        empty_environment.setenv(name, value)
    SETTINGS[service].read(service)


def test_optional_settings_have_contract_defaults() -> None:
    defaults = {
        name.upper(): field.default
        for settings in SETTINGS.values()
        for name, field in settings.model_fields.items()
        if not field.is_required() and not is_limit(name)
    }
    assert defaults == {
        "COOKIE_SECURE": True,
        "CURRENCY": "usd",
        "EXPIRATION_WINDOW_SECONDS": 60,
        "LIMITS_BY_ADDRESS_FACTOR": 1,
        "LIMITS_REDIS_URL": None,
        "LOG_LEVEL": "INFO",
        "PAYMENT_GRACE_SECONDS": 120,
        "OTEL_EXPORTER_OTLP_ENDPOINT": None,
        "SENDGRID_API_BASE": None,
        "STRIPE_API_BASE": None,
        "TRUSTED_PROXIES": "",
    }
