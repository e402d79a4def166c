"""The overlays, rendered once."""

import re
from collections.abc import Callable, Collection
from functools import cache, partial
from pathlib import Path

import pytest
from tests.contract.tables import ENVIRONMENT
from tests.manifests.project import DOCKERFILES
from tests.manifests.references import faults

from ticketing_dev.checkout import ROOT
from ticketing_dev.tools import manifests
from ticketing_dev.tools.manifests import Object

Render = Callable[..., list[Object]]
Faults = Callable[[Collection[Object]], list[str]]

SETTINGS = {service: set(variables) for service, variables in ENVIRONMENT.items()}
IMAGES = [f"ticketing/{name}" for name in DOCKERFILES]


def read_by_the_pages() -> set[str]:
    """The variables that the client's sources name, less those that every Next.js has."""
    sources = (ROOT / "client" / "src").rglob("*.ts*")
    named = {
        name for path in sources for name in re.findall(r"process\.env\.(\w+)", path.read_text())
    }
    return {name for name in named if name not in ("NODE_ENV", "PORT", "HOSTNAME")}


@pytest.fixture(scope="session")
def overlay() -> Render:
    """Renders an overlay, each only once; nobody may change what it gives."""
    if not manifests.KUBECTL.exists():
        pytest.skip("`make kubectl` installs what renders them")
    return cache(manifests.overlay)


@pytest.fixture(scope="session")
def secrets(overlay: Render) -> dict[str, set[str]]:
    """The Secrets that a market has, with their keys: those of the sandbox."""
    return {
        one["metadata"]["name"]: set(one["data"])
        for one in overlay("k8s-dev")
        if one["kind"] == "Secret"
    }


@pytest.fixture(scope="session")
def faults_of(secrets: dict[str, set[str]]) -> Faults:
    """Says what is wrong with rendered objects."""
    # Where several servers of NATS know one another, they have a password, too.
    made = {**secrets, "nats-users": {*secrets["nats-users"], "NATS_CLUSTER_PASSWORD"}}
    return partial(
        faults,
        secrets=made,
        settings={**SETTINGS, "client": read_by_the_pages()},
        images=IMAGES,
    )


@pytest.fixture(scope="session")
def secrets_script() -> Path:
    return ROOT / "infra" / "k8s-prod" / "secrets.sh"
