"""Third-party linters on the rendered objects."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.manifests.conftest import Render

from ticketing_dev.tools.manifests import COMPONENTS, INFRA

BIN = Path(sys.prefix) / "manifests" / "bin"
VERSION = "1.32.0"

pytestmark = [
    # One process: they are CPU-bound, and render the same overlays.
    pytest.mark.xdist_group("linters"),
    pytest.mark.timeout(300),
]

# Kinds of other controllers: Kubernetes has no schema of them.
CUSTOM_KINDS = {
    "Issuer": "cert-manager.io/v1",
    "Gateway": "gateway.networking.k8s.io/v1",
    "HTTPRoute": "gateway.networking.k8s.io/v1",
    "PodMonitor": "monitoring.coreos.com/v1",
    "PrometheusRule": "monitoring.coreos.com/v1",
    "ScaledObject": "keda.sh/v1alpha1",
    "ExternalSecret": "external-secrets.io/v1",
}

each_overlay = pytest.mark.parametrize("name", ["k8s-dev", "k8s-prod"])
with_and_without = pytest.mark.parametrize("components", [None, COMPONENTS])


@each_overlay
@with_and_without
def test_kubernetes_accepts_every_object(
    overlay: Render, name: str, components: tuple[str, ...] | None, tmp_path: Path
) -> None:
    objects = overlay(name, components)
    custom = [one for one in objects if one["kind"] in CUSTOM_KINDS]
    assert all(one["apiVersion"] == CUSTOM_KINDS[one["kind"]] for one in custom)
    standard = [one for one in objects if one not in custom]
    result = validate(standard, tmp_path)
    assert result.returncode == 0, result.stdout
    assert result.stdout.count("INFO") >= len(standard), result.stdout


def test_kubernetes_refuses_an_unknown_field(overlay: Render, tmp_path: Path) -> None:
    [service] = [one for one in overlay("k8s-dev") if one["metadata"]["name"] == "auth-srv"]
    result = validate([{**service, "spec": {**service["spec"], "selectors": {}}}], tmp_path)
    assert result.returncode != 0


def validate(objects: list[Any], folder: Path) -> subprocess.CompletedProcess[str]:
    path = folder / "objects.yaml"
    path.write_text(yaml.safe_dump_all(objects))
    return subprocess.run(
        [BIN / "kubernetes-validate", "--strict", "-k", VERSION, path],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


@each_overlay
def test_checkov_finds_only_documented_exceptions(
    overlay: Render, name: str, tmp_path: Path
) -> None:
    objects = overlay(name, COMPONENTS)
    skipped = []
    if name == "k8s-dev":
        # skaffold sets the tags of the images that it builds.
        skipped = ["--skip-check", "CKV_K8S_14,CKV_K8S_15,CKV_K8S_35,CKV_K8S_43"]
    path = tmp_path / "objects.yaml"
    path.write_text(yaml.safe_dump_all(objects))
    arguments: list[str | Path] = [
        "--skip-download",
        "--config-file",
        INFRA / ".checkov.yaml",
        *skipped,
    ]
    result = subprocess.run(
        [BIN / "checkov", *arguments, "--file", path, "--compact", "--quiet", "--output", "json"],
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    report = json.loads(result.stdout)
    failed = report.get("results", {}).get("failed_checks", [])
    assert [(one["check_id"], one["check_name"], one["resource"]) for one in failed] == []
    assert report.get("passed") or report["summary"]["passed"] > 1000
