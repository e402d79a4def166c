from pathlib import Path
from typing import Any

import pytest

from ticketing_dev.stack.definition import define_stack
from ticketing_dev.stack.processes.ports import free_port, port_allocator
from ticketing_dev.stack.processes.spec import ProcessSpec
from ticketing_dev.stack.secrets import Secrets, StripeAccount

# The contract's table of variables, by service.
COMMON = {"NATS_URL", "LOG_LEVEL"}
STORED = COMMON | {"MONGO_URI"}
VARIABLES = {
    "auth": STORED | {"JWT_KEY", "COOKIE_SECURE"},
    "tickets": STORED | {"JWT_KEY"},
    "orders": STORED | {"JWT_KEY", "EXPIRATION_WINDOW_SECONDS"},
    "payments": STORED
    | {"JWT_KEY", "STRIPE_KEY", "STRIPE_WEBHOOK_SECRET", "STRIPE_API_BASE", "CURRENCY"},
    "expiration": COMMON | {"REDIS_URL"},
    "contact": STORED
    | {"SENDGRID_KEY", "SENDGRID_EMAIL", "SENDGRID_API_BASE", "PUBLIC_URL", "CURRENCY"},
}


def made(tmp_path: Path, **fields: Any) -> dict[str, ProcessSpec]:
    port = free_port()
    choose = port_allocator({}, reserved=port)
    parts = define_stack(port, tmp_path, choose, Secrets(), {"LOG_LEVEL": "DEBUG"}, **fields)
    return {part.name: part for part in parts}


def test_each_service_is_told_what_its_row_of_the_contract_says_and_no_more(tmp_path: Path) -> None:
    parts = made(tmp_path, expiration_window=7)
    assert {name: set(parts[name].env) - {"PYTHONUNBUFFERED"} for name in VARIABLES} == VARIABLES
    assert parts["orders"].env["EXPIRATION_WINDOW_SECONDS"] == "7"


def test_all_who_tell_of_money_are_told_its_currency(tmp_path: Path) -> None:
    parts = made(tmp_path, currency="eur", client_command=lambda _: ("true",))
    told = {name for name, part in parts.items() if part.env.get("CURRENCY") == "eur"}
    assert told == {"payments", "contact", "client"}


def test_an_order_waits_as_long_as_the_service_says_unless_told_otherwise(tmp_path: Path) -> None:
    assert "EXPIRATION_WINDOW_SECONDS" not in made(tmp_path)["orders"].env


def test_each_service_has_a_database_of_its_own(tmp_path: Path) -> None:
    parts = made(tmp_path)
    stored = [part for part in parts.values() if "MONGO_URI" in part.env]
    assert len({part.env["MONGO_URI"] for part in stored}) == len(stored) == 5


def test_all_parts_are_at_different_ports_and_need_only_each_other(tmp_path: Path) -> None:
    parts = made(tmp_path)
    assert len({part.port for part in parts.values()}) == len(parts)
    assert {name for part in parts.values() for name in part.depends_on} <= set(parts)
    assert set(parts["ingress"].depends_on) >= set(VARIABLES)


def test_a_port_is_chosen_again_while_it_is_free() -> None:
    before, public = free_port(), free_port()
    choose = port_allocator({"a": before, "b": before, "c": public}, reserved=public)
    assert choose("a") == before
    assert len({before, public, choose("b"), choose("c"), choose("d")}) == 5


def test_stripes_webhooks_come_through_the_ingress_signed_with_the_secret_that_payments_has(
    tmp_path: Path,
) -> None:
    parts = made(tmp_path)
    told = parts["stripe"].env
    port = parts["ingress"].port
    assert told["STRIPE_WEBHOOK_URL"] == f"http://localhost:{port}/api/payments/webhook"
    assert told["STRIPE_WEBHOOK_SECRET"] == parts["payments"].env["STRIPE_WEBHOOK_SECRET"]


def test_with_a_test_key_of_ones_own_payments_talks_to_stripe_itself(tmp_path: Path) -> None:
    environ = {
        "STRIPE_KEY": "sk_test_mine",
        "STRIPE_WEBHOOK_SECRET": "whsec_mine",
        "STRIPE_PUBLISHABLE_KEY": "pk_test_mine",
    }
    account = StripeAccount.from_environment(environ, Secrets())
    parts = made(tmp_path, stripe_account=account, client_command=lambda _: ("serve",))

    env = parts["payments"].env
    assert (env["STRIPE_KEY"], env["STRIPE_WEBHOOK_SECRET"]) == ("sk_test_mine", "whsec_mine")
    assert "STRIPE_API_BASE" not in env
    assert parts["client"].env["STRIPE_PUBLISHABLE_KEY"] == "pk_test_mine"
    assert "sk_test_mine" not in str(parts["client"].env)


def test_a_live_key_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no test key"):
        StripeAccount.from_environment({"STRIPE_KEY": "sk_live_1"}, Secrets())
    assert StripeAccount.from_environment({"STRIPE_KEY": ""}, Secrets()) is None


def test_replicas_are_parts_of_their_own_with_the_same_settings(tmp_path: Path) -> None:
    parts = made(tmp_path, replicas=2)
    for name in VARIABLES:
        one, two = parts[name], parts[f"{name}-2"]
        assert one.env == two.env
        assert one.port != two.port
        assert one.data != two.data
    config = parts["ingress"].files["nginx.conf"]
    assert all(f"server {parts[name].address} " in config for name in ("orders", "orders-2"))
