"""The rendered overlays."""

import re
from collections.abc import Callable, Collection
from functools import cache, partial
from pathlib import Path

import pytest
from tests.contract.tables import ENVIRONMENT
from tests.manifests.project import DOCKERFILES
from tests.manifests.rules.references import faults

from ticketing_dev.checkout import ROOT
from ticketing_dev.tools import manifests
from ticketing_dev.tools.manifests import Object

Render = Callable[..., list[Object]]
Faults = Callable[[Collection[Object]], list[str]]

SETTINGS = {service: set(variables) for service, variables in ENVIRONMENT.items()}
IMAGES = [f"ticketing/{name}" for name in DOCKERFILES]


def client_variables() -> set[str]:
    """Return the variables in the client's sources, without those of Next.js itself."""
    sources = (ROOT / "client" / "src").rglob("*.ts*")
    named = {
        name for path in sources for name in re.findall(r"process\.env\.(\w+)", path.read_text())
    }
    # In a cluster API_ROUTES has all services.
    return {name for name in named if name not in ("NODE_ENV", "PORT", "HOSTNAME", "API_URL")}


@pytest.fixture(scope="session")
def overlay() -> Render:
    """A function that renders an overlay, each once. Its result must not be changed."""
    if not manifests.KUBECTL.exists():
        pytest.skip("kubectl is missing. Run `make kubectl`.")
    return cache(manifests.overlay)


@pytest.fixture(scope="session")
def secrets(overlay: Render) -> dict[str, set[str]]:
    """The Secrets with their keys, as in the sandbox."""
    return {
        one["metadata"]["name"]: set(one["data"])
        for one in overlay("k8s-dev")
        if one["kind"] == "Secret"
    }


@pytest.fixture(scope="session")
def faults_of(secrets: dict[str, set[str]]) -> Faults:
    """A function that returns the faults of rendered objects."""
    # Several NATS servers use a password between each other.
    existing = {**secrets, "nats-users": {*secrets["nats-users"], "NATS_CLUSTER_PASSWORD"}}
    return partial(
        faults,
        secrets=existing,
        settings={**SETTINGS, "client": client_variables()},
        images=IMAGES,
    )


@pytest.fixture(scope="session")
def secrets_script() -> Path:
    return ROOT / "infra" / "k8s-prod" / "secrets.sh"
