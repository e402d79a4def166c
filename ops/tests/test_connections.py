"""Connections from the environment and from the local stack."""

from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace

import pytest

from ticketing_ops import connections
from ticketing_ops.connections import BusConnection, Connections, DatabaseConnections
from ticketing_ops.errors import CommandError

LocalStack = Callable[[Path | None], Mapping[str, str]]
ENVIRONMENT = {
    "AUTH_MONGO_URI": "mongodb://auth-mongo/auth",
    "TICKETS_MONGO_URI": "mongodb://tickets-mongo/tickets",
    "ORDERS_MONGO_URI": "mongodb://orders-mongo/orders",
    "PAYMENTS_MONGO_URI": "mongodb://payments-mongo/payments",
    "CONTACT_MONGO_URI": "mongodb://contact-mongo/contact",
    "NATS_URL": "nats://audit:secret@nats:4222",
    "REDIS_URL": "redis://redis",
    "STRIPE_KEY": "rk_test_1",
}
LOCAL = {name: value.replace("-mongo", "-local") for name, value in ENVIRONMENT.items()}


def local_stack(data: Path | None) -> dict[str, str]:
    return LOCAL | {"NATS_URL": f"nats://local{'-data' if data else ''}:4222"}


def stopped_stack(data: Path | None) -> dict[str, str]:
    raise CommandError("No stack is running.")


Install = Callable[[LocalStack | None], None]


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Install:
    """A function that provides a local stack through the entry point, or none."""
    for name in ENVIRONMENT:
        monkeypatch.delenv(name, raising=False)

    def provide(stack: LocalStack | None) -> None:
        found = [] if stack is None else [SimpleNamespace(load=lambda: stack)]
        monkeypatch.setattr(connections, "entry_points", lambda group: found)

    return provide


@pytest.fixture
def environment_variables(install: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    """All variables, and a local stack beside them."""
    install(local_stack)
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("environment_variables")
def test_load_reads_the_environment_before_the_local_stack() -> None:
    loaded = Connections.load()

    assert loaded.mongo_uri("orders") == ENVIRONMENT["ORDERS_MONGO_URI"]
    assert loaded.nats_url == ENVIRONMENT["NATS_URL"]
    assert loaded.stripe_key.get_secret_value() == "rk_test_1"
    assert loaded.stripe_api_base is None


@pytest.mark.usefixtures("environment_variables")
def test_load_reads_the_local_stack_of_a_data_folder(tmp_path: Path) -> None:
    assert BusConnection.load(tmp_path).nats_url == "nats://local-data:4222"


def test_load_reads_the_local_stack_without_variables(
    install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(local_stack)
    monkeypatch.setenv("STRIPE_KEY", "sk_test_of_the_developer")

    loaded = Connections.load()

    assert loaded.nats_url == "nats://local:4222"
    assert loaded.stripe_key.get_secret_value() == "rk_test_1"


@pytest.mark.usefixtures("environment_variables")
def test_load_does_not_complete_the_environment_from_the_local_stack(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CONTACT_MONGO_URI", "")
    monkeypatch.setenv("ORDERS_MONGO_URI", "http://orders")

    with pytest.raises(CommandError) as raised:
        DatabaseConnections.load()

    assert "CONTACT_MONGO_URI is missing" in str(raised.value)
    assert "ORDERS_MONGO_URI should begin with mongodb://" in str(raised.value)


def test_load_reports_a_stopped_stack_with_the_variables_of_other_stores(
    install: Install,
) -> None:
    install(stopped_stack)

    with pytest.raises(
        CommandError, match=r"No stack is running. To use other stores, set NATS_URL."
    ):
        BusConnection.load()


def test_load_reports_that_there_is_no_local_stack(install: Install) -> None:
    install(None)

    with pytest.raises(CommandError, match=r"ticketing-dev is not installed.*NATS_URL"):
        BusConnection.load()
