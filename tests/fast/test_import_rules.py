"""The dependency rules: import-linter reports a violation of each contract."""

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

VIOLATIONS = [
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
        "common/src/ticketing_common/observability/tracing.py",
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
def sources_copy(tmp_path: Path) -> Path:
    """A copy of the sources."""
    shutil.copy(CHECKOUT / "pyproject.toml", tmp_path)
    packages = [CHECKOUT / name for name in ("common", "ops", "dev", "testing")]
    for source in (*packages, *(CHECKOUT / "services").glob("*/")):
        target = tmp_path / source.relative_to(CHECKOUT) / "src"
        shutil.copytree(source / "src", target, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def broken_contracts(folder: Path) -> list[str]:
    sources = [*folder.glob("*/src"), *folder.glob("services/*/src")]
    lint = subprocess.run(
        [LINT, "--no-cache"],
        cwd=folder,
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


@pytest.mark.parametrize(("contract", "module", "imported"), VIOLATIONS)
def test_import_rule_reports_a_violation(
    sources_copy: Path, contract: str, module: str, imported: str
) -> None:
    with (sources_copy / module).open("a") as file:
        file.write(f"\nimport {imported}\n")
    assert contract in broken_contracts(sources_copy)


def test_every_import_rule_has_a_violation_here() -> None:
    assert {contract["name"] for contract in CONTRACTS} == {name for name, _, _ in VIOLATIONS}
