import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from ops.tests.audit import faults
from ops.tests.audit.shop import Shop
from typer.testing import CliRunner, Result

from ticketing_dev.stack.ports import free_port
from ticketing_ops.audit import stripe_record
from ticketing_ops.audit.addresses import SERVICES, Addresses
from ticketing_ops.cli import app

Audit = Callable[..., Awaitable[Result]]


@pytest.fixture
def in_environment(addresses: Addresses, monkeypatch: pytest.MonkeyPatch) -> None:
    """The stores' addresses, as a cluster's job has them."""
    for service in SERVICES:
        monkeypatch.setenv(f"AUDIT_{service}_MONGO_URI".upper(), addresses.mongo_uri(service))
    monkeypatch.setenv("NATS_URL", addresses.nats_url)
    monkeypatch.setenv("REDIS_URL", addresses.redis_url)
    monkeypatch.setenv("STRIPE_KEY", addresses.stripe_key.get_secret_value())
    monkeypatch.setenv("STRIPE_API_BASE", str(addresses.stripe_api_base))


@pytest.fixture
def ticketing_audit(in_environment: None) -> Audit:
    """The command, with no grace and with what is typed at it."""

    async def run(*words: str, typed: str = "") -> Result:
        command = ["audit", "--grace", "0", *words]
        return await asyncio.to_thread(lambda: CliRunner().invoke(app, command, typed))

    return run


async def test_a_market_in_order_is_a_status_of_0(shop: Shop, ticketing_audit: Audit) -> None:
    ended = await ticketing_audit()

    assert ended.exit_code == 0, ended.output
    assert ended.output.count("holds") == 6
    assert "No violation" in ended.output


async def test_a_violation_is_told_with_what_to_do_and_is_a_status_of_1(
    shop: Shop, ticketing_audit: Audit
) -> None:
    await faults.a_dead_letter(shop)

    ended = await ticketing_audit()

    assert ended.exit_code == 1
    assert "6. broken" in ended.output
    assert "1 of expiration.completed could not be handled by orders.expire_order" in ended.output
    assert "There is no order a" in ended.output
    assert "ticketing dead-letters list" in ended.output
    assert "1 violation." in ended.output


async def test_what_is_only_to_know_is_no_violation(shop: Shop, ticketing_audit: Audit) -> None:
    await faults.payments_that_wait_for_an_operator(shop)

    ended = await ticketing_audit()

    assert ended.exit_code == 0
    assert "payment-disputed" in ended.output


async def test_programs_are_told_the_same_as_people(shop: Shop, ticketing_audit: Audit) -> None:
    await faults.a_ticket_that_was_never_let_go(shop)

    ended = await ticketing_audit("--json")

    assert ended.exit_code == 1
    said: dict[str, Any] = json.loads(ended.stdout)
    [violation] = said.pop("violations")
    assert violation["kind"] == "ticket-held-for-nobody"
    assert violation["promise"] == 5
    assert violation["ids"] == {"ticket": shop.free, "order": shop.cancelled}
    assert shop.free in violation["problem"]
    assert violation["advice"]
    assert shop.cancelled in violation["repair"]
    assert said.pop("looked_at") > 30
    assert said.pop("seconds") >= 0
    assert said == {"ok": False, "notes": [], "unfinished": [], "repaired": []}


@pytest.mark.parametrize(
    ("variable", "address", "named"),
    [
        ("AUDIT_ORDERS_MONGO_URI", "mongodb://{}/orders", "MongoDB of orders"),
        ("NATS_URL", "nats://{}", "NATS"),
        ("REDIS_URL", "redis://{}", "Redis of expiration"),
        ("STRIPE_API_BASE", "http://{}", "Stripe"),
    ],
)
async def test_a_store_that_is_away_is_named_with_a_status_of_2(
    variable: str,
    address: str,
    named: str,
    ticketing_audit: Audit,
    monkeypatch: pytest.MonkeyPatch,
    broken_connections: None,
) -> None:
    monkeypatch.setattr(stripe_record, "FIRST_PAUSE_SECONDS", 0)
    monkeypatch.setenv(variable, address.format(f"127.0.0.1:{free_port()}"))

    ended = await ticketing_audit("--json")

    assert ended.exit_code == 2, ended.output
    assert json.loads(ended.stdout)["away"] == named


async def test_a_key_that_stripe_refuses_is_a_status_of_2(
    ticketing_audit: Audit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stripe_record, "FIRST_PAUSE_SECONDS", 0)
    monkeypatch.setenv("STRIPE_KEY", "none_that_we_know")

    ended = await ticketing_audit()

    assert ended.exit_code == 2
    assert "Stripe" in ended.output
    assert "401" in ended.output


async def test_a_variable_that_is_missing_is_named_with_a_status_of_2(
    ticketing_audit: Audit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AUDIT_CONTACT_MONGO_URI")

    ended = await ticketing_audit()

    assert ended.exit_code == 2
    assert "AUDIT_CONTACT_MONGO_URI is missing" in ended.output


async def test_where_no_stack_runs_there_is_nothing_to_look_at(
    ticketing_audit: Audit, tmp_path: Path
) -> None:
    ended = await ticketing_audit("--data", str(tmp_path / "nowhere"))

    assert ended.exit_code == 2
    assert "No stack runs" in ended.output


async def test_a_repair_that_is_not_agreed_to_is_not_done(
    shop: Shop, ticketing_audit: Audit
) -> None:
    _, charge = await shop.charged(shop.complete, faults.new_id())

    ended = await ticketing_audit("--repair", typed="n\n")

    assert ended.exit_code == 1
    assert f"Refund charge {charge} at Stripe?" in ended.output
    assert not (await shop.stripe.get(f"/v1/charges/{charge}")).json()["refunded"]


async def test_a_repair_that_is_agreed_to_is_done_and_looked_at(
    shop: Shop, ticketing_audit: Audit
) -> None:
    _, charge = await shop.charged(shop.complete, faults.new_id())

    ended = await ticketing_audit("--repair", typed="y\n")

    assert ended.exit_code == 0, ended.output
    assert f"Refunded charge {charge}" in ended.output
    assert ended.output.rstrip().splitlines()[-1].startswith("No violation.")
    assert (await shop.stripe.get(f"/v1/charges/{charge}")).json()["refunded"]


async def test_a_script_is_not_asked(shop: Shop, ticketing_audit: Audit) -> None:
    _, charge = await shop.charged(shop.complete, faults.new_id())

    ended = await ticketing_audit("--repair", "--yes", "--json")

    assert ended.exit_code == 0, ended.output
    assert json.loads(ended.stdout)["repaired"] == [f"Refunded charge {charge}"]
