"""What a service is not told right, it names, and it stops before it opens a port."""

import importlib
import os
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

KEY = "a key that only tests use, of 32 bytes and more"
STORE = {"MONGO_URI": "mongodb://127.0.0.1:1/test", "NATS_URL": "nats://127.0.0.1:1"}
SESSION = {**STORE, "JWT_KEY": KEY}
NEEDS = {
    "auth": SESSION,
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
    "auth": {"JWT_KEY_PREVIOUS": "too short", "COOKIE_SECURE": "perhaps", "LOG_LEVEL": "loud"},
    "tickets": {"OTEL_EXPORTER_OTLP_ENDPOINT": "collector:4318"},
    "orders": {"EXPIRATION_WINDOW_SECONDS": "0"},
    "payments": {"STRIPE_API_BASE": "stripe", "CURRENCY": "jpy", "PAYMENT_GRACE_SECONDS": "-1"},
    "expiration": {},
    "contact": {"SENDGRID_API_BASE": "sendgrid"},
}


@pytest.fixture
def taken_port() -> Iterator[int]:
    """A port that somebody has: who tries to open it says so."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        yield taken.getsockname()[1]


def last_words(service: str, port: int, env: dict[str, str]) -> str:
    """What the service says, as a process, when it refuses to start."""
    command = [sys.executable, "-m", "uvicorn", f"{service}.app:create_app", "--factory"]
    inherited = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    ended = subprocess.run(
        [*command, "--port", str(port)],
        env=inherited | env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode != 0
    assert "address already in use" not in ended.stderr
    assert "Traceback" not in ended.stderr
    return ended.stderr.strip().splitlines()[-1]


def refusal(service: str, env: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> str:
    """What the service says when its app is made with these variables alone."""
    monkeypatch.setattr(os, "environ", env)
    with pytest.raises(SystemExit) as refused:
        importlib.import_module(f"{service}.app").create_app()
    return str(refused.value)


@pytest.mark.parametrize("service", NEEDS)
def test_a_service_without_settings_names_all_that_it_misses(service: str, taken_port: int) -> None:
    said = last_words(service, taken_port, {})

    assert said.startswith(f"{service} cannot start: ")
    assert set(said.partition(": ")[2].split("; ")) == {
        f"{name} is missing" for name in NEEDS[service]
    }


@pytest.mark.parametrize("service", NEEDS)
def test_a_service_with_bad_settings_names_each_and_repeats_none(
    service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    free_text = {"STRIPE_KEY", "STRIPE_WEBHOOK_SECRET", "SENDGRID_KEY", "SENDGRID_EMAIL"}
    bad = {name: "rubbish" for name in NEEDS[service] if name not in free_text}

    said = refusal(service, NEEDS[service] | bad | OPTIONAL[service], monkeypatch)

    faults = said.partition(": ")[2].split("; ")
    assert {fault.partition(" ")[0] for fault in faults} == bad.keys() | OPTIONAL[service].keys()
    assert "rubbish" not in said


def test_a_database_has_to_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    env = NEEDS["tickets"] | {"MONGO_URI": "mongodb://127.0.0.1:1/?replicaSet=rs0"}
    assert "MONGO_URI should name a database" in refusal("tickets", env, monkeypatch)
