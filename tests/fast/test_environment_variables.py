"""What a service reads from its environment, and what the local stack gives it."""

from pathlib import Path

import pytest
from tests.contract.tables import ENVIRONMENT

from ticketing_common.topology import SERVICE_NAMES
from ticketing_dev.stack.definition import define_stack
from ticketing_dev.stack.processes.ports import free_port
from ticketing_dev.stack.secrets import Secrets
from ticketing_dev.tools.env_example import settings_class

SETTINGS = {service: settings_class(service) for service in SERVICE_NAMES}

every_service = pytest.mark.parametrize("service", SETTINGS)


def needed(service: str) -> set[str]:
    return {name for name, is_needed in ENVIRONMENT[service].items() if is_needed}


@pytest.fixture
def empty(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An environment without any of the variables."""
    for variables in ENVIRONMENT.values():
        for name in variables:
            monkeypatch.delenv(name, raising=False)
    return monkeypatch


@pytest.fixture
def given(tmp_path: Path) -> dict[str, dict[str, str]]:
    """What the local stack gives each of its parts."""
    specs = define_stack(8080, tmp_path, lambda _: free_port(), Secrets(), {}, expiration_window=5)
    return {spec.name: dict(spec.env) for spec in specs}


def test_every_service_has_its_row() -> None:
    assert SETTINGS.keys() == ENVIRONMENT.keys()


@every_service
def test_a_service_reads_the_variables_that_were_promised(service: str) -> None:
    read = {name.upper() for name in SETTINGS[service].model_fields}
    assert read == ENVIRONMENT[service].keys()


@every_service
def test_a_service_names_every_variable_that_it_misses(
    service: str, empty: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SystemExit) as refusal:
        SETTINGS[service].read(service)
    said, _, faults = str(refusal.value).partition(": ")
    assert said == f"{service} cannot start"
    assert set(faults.split("; ")) == {f"{name} is missing" for name in needed(service)}


@every_service
def test_the_local_stack_gives_a_service_what_it_needs_and_nothing_that_it_does_not_read(
    service: str, given: dict[str, dict[str, str]]
) -> None:
    told = given[service].keys() - {"PYTHONUNBUFFERED"}
    assert needed(service) <= told <= ENVIRONMENT[service].keys()


@every_service
def test_a_service_starts_on_what_the_local_stack_gives(
    service: str, given: dict[str, dict[str, str]], empty: pytest.MonkeyPatch
) -> None:
    for name, value in given[service].items():
        empty.setenv(name, value)
    SETTINGS[service].read(service)


def test_what_may_be_left_out_has_the_promised_default() -> None:
    defaults = {
        name.upper(): field.default
        for settings in SETTINGS.values()
        for name, field in settings.model_fields.items()
        if not field.is_required()
    }
    assert defaults == {
        "COOKIE_SECURE": True,
        "CURRENCY": "usd",
        "EXPIRATION_WINDOW_SECONDS": 60,
        "JWT_KEY_PREVIOUS": None,
        "LOG_LEVEL": "INFO",
        "NATS_REPLICAS": 1,
        "PAYMENT_GRACE_SECONDS": 120,
        "OTEL_EXPORTER_OTLP_ENDPOINT": None,
        "SENDGRID_API_BASE": None,
        "STRIPE_API_BASE": None,
    }
