import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from ops.tests.audit import problems
from ops.tests.audit.shop import Shop
from typer.testing import CliRunner, Result

from ticketing_common.topology import SERVICES_WITH_DATABASE
from ticketing_dev.stack.processes.ports import free_port
from ticketing_ops.audit import stripe
from ticketing_ops.cli import app
from ticketing_ops.connections import Connections

Audit = Callable[..., Awaitable[Result]]


@pytest.fixture
def in_environment(connections: Connections, monkeypatch: pytest.MonkeyPatch) -> None:
    """The connections as environment variables, as in a cluster."""
    for service in SERVICES_WITH_DATABASE:
        monkeypatch.setenv(f"{service}_MONGO_URI".upper(), connections.mongo_uri(service))
    monkeypatch.setenv("NATS_URL", connections.nats_url)
    monkeypatch.setenv("REDIS_URL", connections.redis_url)
    monkeypatch.setenv("STRIPE_KEY", connections.stripe_key.get_secret_value())
    monkeypatch.setenv("STRIPE_API_BASE", str(connections.stripe_api_base))


@pytest.fixture
def ticketing_audit(in_environment: None) -> Audit:
    """A function that runs the command without a grace, with input."""

    async def run(*arguments: str, typed: str = "") -> Result:
        command = ["audit", "--grace", "0", *arguments]
        return await asyncio.to_thread(lambda: CliRunner().invoke(app, command, typed))

    return run


async def test_audit_exits_with_0_without_a_violation(shop: Shop, ticketing_audit: Audit) -> None:
    ended = await ticketing_audit()

    assert ended.exit_code == 0, ended.output
    assert ended.output.count("holds") == 6
    assert "No violation" in ended.output


async def test_audit_prints_a_violation_with_advice_and_exits_with_1(
    shop: Shop, ticketing_audit: Audit
) -> None:
    await problems.dead_letter(shop)

    ended = await ticketing_audit()

    assert ended.exit_code == 1
    assert "6. violated" in ended.output
    assert "orders.expire_order could not handle 1 expiration.completed events" in ended.output
    assert "There is no order a" in ended.output
    assert "ticketing dead-letters list" in ended.output
    assert "1 violation." in ended.output


async def test_audit_exits_with_0_for_a_note(shop: Shop, ticketing_audit: Audit) -> None:
    await problems.payment_with_problem_and_dispute(shop)

    ended = await ticketing_audit()

    assert ended.exit_code == 0
    assert "payment-disputed" in ended.output


async def test_audit_prints_json(shop: Shop, ticketing_audit: Audit) -> None:
    await problems.ticket_held_for_cancelled_order(shop)

    ended = await ticketing_audit("--json")

    assert ended.exit_code == 1
    report: dict[str, Any] = json.loads(ended.stdout)
    [violation] = report.pop("violations")
    assert violation["kind"] == "ticket-held-without-order"
    assert violation["invariant"] == 5
    assert violation["ids"] == {"ticket": shop.free, "order": shop.cancelled}
    assert shop.free in violation["problem"]
    assert violation["advice"]
    assert shop.cancelled in violation["repair"]
    assert report.pop("rows") > 30
    assert report.pop("seconds") >= 0
    assert report == {"ok": False, "notes": [], "incomplete": [], "repaired": []}


@pytest.mark.parametrize(
    ("variable", "address", "store"),
    [
        ("ORDERS_MONGO_URI", "mongodb://{}/orders", "MongoDB of orders"),
        ("NATS_URL", "nats://{}", "NATS"),
        ("REDIS_URL", "redis://{}", "Redis of expiration"),
        ("STRIPE_API_BASE", "http://{}", "Stripe"),
    ],
)
async def test_audit_names_an_unavailable_store_and_exits_with_2(
    variable: str,
    address: str,
    store: str,
    ticketing_audit: Audit,
    monkeypatch: pytest.MonkeyPatch,
    ignore_broken_connections: None,
) -> None:
    monkeypatch.setattr(stripe, "FIRST_BACKOFF_SECONDS", 0)
    monkeypatch.setenv(variable, address.format(f"127.0.0.1:{free_port()}"))

    ended = await ticketing_audit("--json")

    assert ended.exit_code == 2, ended.output
    assert json.loads(ended.stdout)["unavailable"] == store


async def test_audit_exits_with_2_for_a_rejected_stripe_key(
    ticketing_audit: Audit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stripe, "FIRST_BACKOFF_SECONDS", 0)
    monkeypatch.setenv("STRIPE_KEY", "sk_invalid")

    ended = await ticketing_audit()

    assert ended.exit_code == 2
    assert "Stripe" in ended.output
    assert "401" in ended.output


async def test_audit_names_a_missing_variable_and_exits_with_2(
    ticketing_audit: Audit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CONTACT_MONGO_URI")

    ended = await ticketing_audit()

    assert ended.exit_code == 2
    assert "CONTACT_MONGO_URI is missing" in ended.output


async def test_audit_exits_with_2_without_a_local_stack(
    ticketing_audit: Audit, tmp_path: Path
) -> None:
    ended = await ticketing_audit("--data", str(tmp_path / "nowhere"))

    assert ended.exit_code == 2
    assert "No stack is running" in ended.output


async def test_audit_skips_a_repair_that_is_not_confirmed(
    shop: Shop, ticketing_audit: Audit
) -> None:
    _, charge = await shop.charge_order(shop.complete, problems.new_id())

    ended = await ticketing_audit("--repair", typed="n\n")

    assert ended.exit_code == 1
    assert f"Refund charge {charge} at Stripe?" in ended.output
    assert not (await shop.stripe.get(f"/v1/charges/{charge}")).json()["refunded"]


async def test_audit_runs_a_confirmed_repair_and_audits_again(
    shop: Shop, ticketing_audit: Audit
) -> None:
    _, charge = await shop.charge_order(shop.complete, problems.new_id())

    ended = await ticketing_audit("--repair", typed="y\n")

    assert ended.exit_code == 0, ended.output
    assert f"Refunded charge {charge}" in ended.output
    assert ended.output.rstrip().splitlines()[-1].startswith("No violation.")
    assert (await shop.stripe.get(f"/v1/charges/{charge}")).json()["refunded"]


async def test_audit_repairs_without_confirmation(shop: Shop, ticketing_audit: Audit) -> None:
    _, charge = await shop.charge_order(shop.complete, problems.new_id())

    ended = await ticketing_audit("--repair", "--yes", "--json")

    assert ended.exit_code == 0, ended.output
    assert json.loads(ended.stdout)["repaired"] == [f"Refunded charge {charge}"]
