"""The variables of a running stack."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ticketing_common.topology import SERVICES_WITH_DATABASE
from ticketing_dev.stack import lock
from ticketing_dev.stack.definition import define_stack
from ticketing_dev.stack.environment import environment_of, operator_environment
from ticketing_dev.stack.folder import DataFolder
from ticketing_dev.stack.lifecycle import StackError
from ticketing_dev.stack.processes.ports import free_port
from ticketing_dev.stack.processes.spec import ProcessSpec
from ticketing_dev.stack.secrets import Secrets
from ticketing_dev.stack.supervision.state import ProcessState, StackState


@pytest.fixture
def specs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, ProcessSpec]]:
    """The processes of a stack whose state file and lock are those of a running one."""
    monkeypatch.delenv("STRIPE_KEY", raising=False)
    folder, port = DataFolder(tmp_path), free_port()
    secrets = Secrets.load_or_create(folder.secrets)
    specs = define_stack(port, tmp_path, lambda _: free_port(), secrets, {})
    states = [ProcessState(spec.name, spec.address, "ready") for spec in specs]
    folder.write(StackState(f"http://localhost:{port}", "ready", processes=states))
    with lock.acquired(folder.lock):
        yield {spec.name: spec for spec in specs}


def test_environment_of_returns_the_variables_of_the_running_service(
    specs: dict[str, ProcessSpec], tmp_path: Path
) -> None:
    assert environment_of(DataFolder(tmp_path), "orders") == specs["orders"].env


def test_operator_environment_returns_the_addresses_of_all_stores(
    specs: dict[str, ProcessSpec], tmp_path: Path
) -> None:
    variables = operator_environment(tmp_path)

    assert variables.keys() == {
        *("NATS_URL", "REDIS_URL", "STRIPE_KEY", "STRIPE_API_BASE"),
        *(f"{name.upper()}_MONGO_URI" for name in SERVICES_WITH_DATABASE),
    }
    assert variables["ORDERS_MONGO_URI"] == specs["orders"].env["MONGO_URI"]
    assert variables["NATS_URL"].startswith("nats://operator:")
    assert variables["NATS_URL"].endswith(specs["nats"].address)
    assert variables["STRIPE_API_BASE"] == specs["stripe"].url


def test_operator_environment_fails_without_a_running_stack(tmp_path: Path) -> None:
    with pytest.raises(StackError, match="No stack is running"):
        operator_environment(tmp_path)
