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
    ("Layers of a service", "services/orders/src/orders/models.py", "orders.schemas"),
    ("Layers of a service", "services/tickets/src/tickets/handlers.py", "tickets.routes"),
    ("Layers of a service", "services/tickets/src/tickets/utils.py", "json"),
    ("Layers of payments", "services/payments/src/payments/domain/refunds.py", "payments.jobs"),
    ("Layers of payments", "services/payments/src/payments/utils.py", "json"),
    (
        "Common imports no other package of the project",
        "common/src/ticketing_common/errors.py",
        "auth.settings",
    ),
    (
        "Common imports no other package of the project",
        "common/src/ticketing_common/errors.py",
        "ticketing_ops.errors",
    ),
    (
        "Events import only pydantic, money and the messages of rules",
        "common/src/ticketing_common/events/tickets.py",
        "ticketing_common.errors",
    ),
    (
        "Events import only pydantic, money and the messages of rules",
        "common/src/ticketing_common/events/tickets.py",
        "bson",
    ),
    (
        "Only messaging imports NATS",
        "services/expiration/src/expiration/worker.py",
        "nats.aio",
    ),
    ("Only messaging imports NATS", "common/src/ticketing_common/service.py", "nats.aio"),
    (
        "Handlers and persistence do not depend on NATS, even indirectly",
        "common/src/ticketing_common/observability/tracing.py",
        "ticketing_common.messaging.broker",
    ),
    (
        "Only payments.stripe imports Stripe's SDK",
        "services/payments/src/payments/domain/refunds.py",
        "stripe",
    ),
    (
        "Only contact's client imports SendGrid's SDK",
        "services/contact/src/contact/sender.py",
        "sendgrid",
    ),
    ("Only expiration.timers imports arq", "services/auth/src/auth/app.py", "arq"),
    (
        "Only expiration, limits, ops and testing import Redis",
        "services/auth/src/auth/devices.py",
        "redis.asyncio",
    ),
    (
        "Only tests and fixtures import development tools",
        "common/src/ticketing_common/service.py",
        "ticketing_dev.stack.processes.ports",
    ),
    ("Only tests import fixtures", "services/auth/src/auth/app.py", "ticketing_testing"),
    (
        "Fixtures import no service, stand-in or generator",
        "dev/src/ticketing_dev/stack/processes/servers.py",
        "ticketing_dev.standins.stripe",
    ),
    (
        "The local stack imports no service",
        "dev/src/ticketing_dev/tools/node.py",
        "ticketing_dev.tools.events.service_listeners",
    ),
    (
        "Stand-ins import no other package of the project",
        "dev/src/ticketing_dev/standins/sendgrid/mailbox.py",
        "ticketing_dev.stack.processes.mongod",
    ),
    (
        "Stand-ins do not import one another",
        "dev/src/ticketing_dev/standins/sendgrid/mailbox.py",
        "ticketing_dev.standins.stripe.store",
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
def test_dependency_rule_reports_a_violation(
    sources_copy: Path, contract: str, module: str, imported: str
) -> None:
    with (sources_copy / module).open("a") as file:
        file.write(f"\nimport {imported}\n")
    assert contract in broken_contracts(sources_copy)


def test_every_dependency_rule_has_a_violation() -> None:
    assert {contract["name"] for contract in CONTRACTS} == {name for name, _, _ in VIOLATIONS}
