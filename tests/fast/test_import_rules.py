"""Each of import-linter's contracts is broken once, on a copy, to see it complain."""

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
LINT = Path(sys.executable).with_name("lint-imports")
CONTRACTS = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["tool"]["importlinter"][
    "contracts"
]

TRESPASSES = [
    ("Services never import one another", "services/orders/src/orders/rules.py", "tickets.models"),
    (
        "What services share imports no service",
        "common/src/ticketing_common/errors.py",
        "auth.settings",
    ),
    (
        "In a service: app > routes, listeners > schemas > models > settings",
        "services/orders/src/orders/models.py",
        "orders.schemas",
    ),
    (
        "In a service: app > routes, listeners > schemas > models > settings",
        "services/tickets/src/tickets/handlers.py",
        "tickets.routes",
    ),
    (
        "In a service: app > routes, listeners > schemas > models > settings",
        "services/tickets/src/tickets/utils.py",
        "json",
    ),
    ("Only the broker room knows NATS", "services/expiration/src/expiration/worker.py", "nats.aio"),
    (
        "Outbox and listeners do not even know somebody who knows NATS",
        "common/src/ticketing_common/observability/metrics.py",
        "ticketing_common.messaging.broker",
    ),
    (
        "Events import pydantic alone",
        "common/src/ticketing_common/events/tickets.py",
        "ticketing_common.errors",
    ),
    ("Events import pydantic alone", "common/src/ticketing_common/events/tickets.py", "bson"),
    ("Only tests import testing", "services/auth/src/auth/app.py", "ticketing_testing"),
    (
        "What runs in production imports no development tool",
        "common/src/ticketing_common/service.py",
        "ticketing_dev.stack.processes.ports",
    ),
    (
        "Only expiration knows arq and Redis",
        "services/auth/src/auth/rate_limits.py",
        "redis.asyncio",
    ),
    (
        "Only payments' gateway knows Stripe, only contact's client knows SendGrid",
        "services/payments/src/payments/domain/rules.py",
        "stripe",
    ),
    (
        "Operator commands import no service and no development tool",
        "ops/src/ticketing_ops/connections.py",
        "ticketing_dev.stack.environment",
    ),
    (
        "In the audit, checks do not import repairs' execution",
        "ops/src/ticketing_ops/audit/checks/charges.py",
        "ticketing_ops.audit.repairer",
    ),
]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The sources, to be spoiled."""
    shutil.copy(CHECKOUT / "pyproject.toml", tmp_path)
    packages = [CHECKOUT / name for name in ("common", "ops", "dev", "testing")]
    for source in (*packages, *(CHECKOUT / "services").glob("*/")):
        there = tmp_path / source.relative_to(CHECKOUT) / "src"
        shutil.copytree(source / "src", there, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def broken_contracts(copy: Path) -> list[str]:
    sources = [*copy.glob("*/src"), *copy.glob("services/*/src")]
    lint = subprocess.run(
        [LINT, "--no-cache"],
        cwd=copy,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(map(str, sources)), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )
    return [
        line.removesuffix("BROKEN").strip()
        for line in lint.stdout.splitlines()
        if line.endswith("BROKEN")
    ]


@pytest.mark.parametrize(("contract", "module", "imported"), TRESPASSES)
def test_an_import_through_a_wall_breaks_the_contract_that_forbids_it(
    copy: Path, contract: str, module: str, imported: str
) -> None:
    with (copy / module).open("a") as file:
        file.write(f"\nimport {imported}\n")
    assert contract in broken_contracts(copy)


def test_every_contract_has_a_trespass_here_that_breaks_it() -> None:
    assert {contract["name"] for contract in CONTRACTS} == {name for name, _, _ in TRESPASSES}
