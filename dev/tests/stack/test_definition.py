from pathlib import Path
from typing import Any

import pytest

from ticketing_dev.stack.definition import Limits, define_stack
from ticketing_dev.stack.processes.ports import free_port, port_allocator
from ticketing_dev.stack.processes.spec import ProcessSpec
from ticketing_dev.stack.secrets import Secrets, StripeAccount

# The variables of each service.
SHARED = {"NATS_URL", "LOG_LEVEL"}
STORED = SHARED | {"MONGO_URI"}
ROUTED = STORED | {
    "JWT_PUBLIC_KEYS",
    "COOKIE_SECURE",
    "LIMITS_REDIS_URL",
    "LIMITS_BY_ADDRESS_FACTOR",
    "TRUSTED_PROXIES",
}
VARIABLES = {
    "auth": ROUTED | {"JWT_PRIVATE_KEY"},
    "tickets": ROUTED | {"CURRENCY"},
    "orders": ROUTED | {"EXPIRATION_WINDOW_SECONDS"},
    "payments": ROUTED | {"STRIPE_KEY", "STRIPE_WEBHOOK_SECRET", "STRIPE_API_BASE", "CURRENCY"},
    "expiration": SHARED | {"REDIS_URL"},
    "contact": STORED
    | {"SENDGRID_KEY", "SENDGRID_EMAIL", "SENDGRID_API_BASE", "PUBLIC_URL", "CURRENCY"},
}


def define(tmp_path: Path, **fields: Any) -> dict[str, ProcessSpec]:
    port = free_port()
    allocate = port_allocator({}, reserved=port)
    specs = define_stack(port, tmp_path, allocate, Secrets(), {"LOG_LEVEL": "DEBUG"}, **fields)
    return {spec.name: spec for spec in specs}


def test_define_stack_sets_exactly_the_variables_of_each_service(tmp_path: Path) -> None:
    specs = define(tmp_path, expiration_window=7)
    assert {name: set(specs[name].env) - {"PYTHONUNBUFFERED"} for name in VARIABLES} == VARIABLES
    assert specs["orders"].env["EXPIRATION_WINDOW_SECONDS"] == "7"


@pytest.mark.parametrize(("limits", "factor"), [(Limits.RELAXED, "100"), (Limits.STRICT, "1")])
def test_define_stack_sets_the_width_of_limits_by_address(
    tmp_path: Path, limits: Limits, factor: str
) -> None:
    specs = define(tmp_path, limits=limits)
    for service in ("auth", "tickets", "orders", "payments"):
        assert specs[service].env["LIMITS_BY_ADDRESS_FACTOR"] == factor


def test_define_stack_sets_the_currency(tmp_path: Path) -> None:
    specs = define(tmp_path, currency="eur", client_command=lambda _: ("true",))
    with_currency = {name for name, spec in specs.items() if spec.env.get("CURRENCY") == "eur"}
    assert with_currency == {"tickets", "payments", "contact", "client"}


def test_define_stack_leaves_the_default_expiration_window(tmp_path: Path) -> None:
    assert "EXPIRATION_WINDOW_SECONDS" not in define(tmp_path)["orders"].env


def test_define_stack_gives_each_service_its_own_database(tmp_path: Path) -> None:
    specs = define(tmp_path)
    with_database = [spec for spec in specs.values() if "MONGO_URI" in spec.env]
    assert len({spec.env["MONGO_URI"] for spec in with_database}) == len(with_database) == 5


def test_define_stack_uses_distinct_ports_and_known_dependencies(tmp_path: Path) -> None:
    specs = define(tmp_path)
    assert len({spec.port for spec in specs.values()}) == len(specs)
    assert {name for spec in specs.values() for name in spec.depends_on} <= set(specs)
    assert set(specs["ingress"].depends_on) >= set(VARIABLES)


def test_port_allocator_reuses_a_free_previous_port() -> None:
    previous, public = free_port(), free_port()
    allocate = port_allocator({"a": previous, "b": previous, "c": public}, reserved=public)
    assert allocate("a") == previous
    assert len({previous, public, allocate("b"), allocate("c"), allocate("d")}) == 5


def test_define_stack_sends_signed_webhooks_through_the_ingress(
    tmp_path: Path,
) -> None:
    specs = define(tmp_path)
    stripe_env = specs["stripe"].env
    port = specs["ingress"].port
    assert stripe_env["STRIPE_WEBHOOK_URL"] == f"http://localhost:{port}/api/payments/webhook"
    assert stripe_env["STRIPE_WEBHOOK_SECRET"] == specs["payments"].env["STRIPE_WEBHOOK_SECRET"]


def test_define_stack_uses_a_real_stripe_account(tmp_path: Path) -> None:
    environ = {
        "STRIPE_KEY": "sk_test_mine",
        "STRIPE_WEBHOOK_SECRET": "whsec_mine",
        "STRIPE_PUBLISHABLE_KEY": "pk_test_mine",
    }
    account = StripeAccount.from_environment(environ, Secrets())
    specs = define(tmp_path, stripe_account=account, client_command=lambda _: ("serve",))

    env = specs["payments"].env
    assert (env["STRIPE_KEY"], env["STRIPE_WEBHOOK_SECRET"]) == ("sk_test_mine", "whsec_mine")
    assert "STRIPE_API_BASE" not in env
    assert specs["client"].env["STRIPE_PUBLISHABLE_KEY"] == "pk_test_mine"
    assert "sk_test_mine" not in str(specs["client"].env)


def test_define_stack_gives_the_client_its_own_settings(tmp_path: Path) -> None:
    settings = {"CONTACT_EMAIL": "help@example.com", "PAGES_DIR": "/texts"}
    specs = define(tmp_path, client_env=settings, client_command=lambda _: ("serve",))

    env = specs["client"].env
    assert env.items() >= settings.items()
    assert env["PUBLIC_URL"] == env["API_URL"]


def test_stripe_account_rejects_a_live_key(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not a test key"):
        StripeAccount.from_environment({"STRIPE_KEY": "sk_live_1"}, Secrets())
    assert StripeAccount.from_environment({"STRIPE_KEY": ""}, Secrets()) is None


def test_define_stack_runs_replicas_with_the_same_settings(tmp_path: Path) -> None:
    specs = define(tmp_path, replicas=2)
    for name in VARIABLES:
        one, two = specs[name], specs[f"{name}-2"]
        assert one.env == two.env
        assert one.port != two.port
        assert one.data != two.data
    config = specs["ingress"].files["nginx.conf"]
    assert all(f"server {specs[name].address} " in config for name in ("orders", "orders-2"))
