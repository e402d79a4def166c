"""Missing and invalid settings: the service names them and exits before it opens a port."""

import importlib
import os
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

from ticketing_testing.factories import SESSION_SETTINGS

STORE = {"MONGO_URI": "mongodb://127.0.0.1:1/test", "NATS_URL": "nats://127.0.0.1:1"}
SESSION = {**STORE, "JWT_PUBLIC_KEYS": SESSION_SETTINGS["jwt_public_keys"]}
REQUIRED = {
    "auth": {**SESSION, "JWT_PRIVATE_KEY": SESSION_SETTINGS["jwt_private_key"]},
    "tickets": SESSION,
    "orders": SESSION,
    "payments": {**SESSION, "STRIPE_KEY": "sk_test_1", "STRIPE_WEBHOOK_SECRET": "whsec_1"},
    "expiration": {"NATS_URL": STORE["NATS_URL"], "REDIS_URL": "redis://127.0.0.1:1"},
    "contact": {
        **STORE,
        "SENDGRID_KEY": "SG.1",
        "SENDGRID_EMAIL": "tickets@example.com",
        "PUBLIC_URL": "http://localhost",
    },
}
OPTIONAL = {
    "auth": {"LOG_LEVEL": "loud"},
    "tickets": {
        "OTEL_EXPORTER_OTLP_ENDPOINT": "collector:4318",
        "CURRENCY": "xxx",
    },
    "orders": {"COOKIE_SECURE": "perhaps", "EXPIRATION_WINDOW_SECONDS": "0"},
    "payments": {"STRIPE_API_BASE": "stripe", "CURRENCY": "jpy", "PAYMENT_GRACE_SECONDS": "-1"},
    "expiration": {},
    "contact": {"SENDGRID_API_BASE": "sendgrid"},
}


@pytest.fixture
def taken_port() -> Iterator[int]:
    """A port that is in use: a service that opens it logs an error."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        yield taken.getsockname()[1]


def run_service(service: str, port: int, env: dict[str, str]) -> str:
    """Run the service as a process. Returns the last line of its error output."""
    command = [sys.executable, "-m", "uvicorn", f"{service}.app:create_app", "--factory"]
    inherited = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    process = subprocess.run(
        [*command, "--port", str(port)],
        env=inherited | env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert process.returncode != 0
    assert "address already in use" not in process.stderr
    assert "Traceback" not in process.stderr
    return process.stderr.strip().splitlines()[-1]


def create_app(service: str, env: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> str:
    """Create the app with only these variables. Returns the message of its SystemExit."""
    monkeypatch.setattr(os, "environ", env)
    with pytest.raises(SystemExit) as exit:
        importlib.import_module(f"{service}.app").create_app()
    return str(exit.value)


@pytest.mark.parametrize("service", REQUIRED)
def test_service_names_missing_settings(service: str, taken_port: int) -> None:
    message = run_service(service, taken_port, {})

    assert message.startswith(f"{service} cannot start: ")
    assert set(message.partition(": ")[2].split("; ")) == {
        f"{name} is missing" for name in REQUIRED[service]
    }


@pytest.mark.parametrize("service", REQUIRED)
def test_service_names_invalid_settings_without_their_values(
    service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    free_text = {"STRIPE_KEY", "STRIPE_WEBHOOK_SECRET", "SENDGRID_KEY", "SENDGRID_EMAIL"}
    bad = {name: "no-such-value" for name in REQUIRED[service] if name not in free_text}

    message = create_app(service, REQUIRED[service] | bad | OPTIONAL[service], monkeypatch)

    faults = message.partition(": ")[2].split("; ")
    assert {fault.partition(" ")[0] for fault in faults} == bad.keys() | OPTIONAL[service].keys()
    assert "no-such-value" not in message


def test_mongo_uri_must_name_a_database(monkeypatch: pytest.MonkeyPatch) -> None:
    env = REQUIRED["tickets"] | {"MONGO_URI": "mongodb://127.0.0.1:1/?replicaSet=rs0"}
    assert "MONGO_URI should name a database" in create_app("tickets", env, monkeypatch)
