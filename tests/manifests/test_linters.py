"""What other people's linters say of the rendered objects."""

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
    # They go through the same pods: one after the other is as fast.
    pytest.mark.xdist_group("linters"),
    pytest.mark.timeout(300),
]

# Nobody's but their own controllers': Kubernetes has no schema of them.
FROM_ELSEWHERE = {
    "Issuer": "cert-manager.io/v1",
    "Gateway": "gateway.networking.k8s.io/v1",
    "HTTPRoute": "gateway.networking.k8s.io/v1",
    "PodMonitor": "monitoring.coreos.com/v1",
    "PrometheusRule": "monitoring.coreos.com/v1",
    "ScaledObject": "keda.sh/v1alpha1",
    "ExternalSecret": "external-secrets.io/v1",
}

every_overlay = pytest.mark.parametrize("name", ["k8s-dev", "k8s-prod"])
with_and_without = pytest.mark.parametrize("components", [None, COMPONENTS])


@every_overlay
@with_and_without
def test_kubernetes_would_take_every_object(
    overlay: Render, name: str, components: tuple[str, ...] | None, tmp_path: Path
) -> None:
    objects = overlay(name, components)
    foreign = [one for one in objects if one["kind"] in FROM_ELSEWHERE]
    assert all(one["apiVersion"] == FROM_ELSEWHERE[one["kind"]] for one in foreign)
    known = [one for one in objects if one not in foreign]
    said = validated(known, tmp_path)
    assert said.returncode == 0, said.stdout
    assert said.stdout.count("INFO") >= len(known), said.stdout


def test_kubernetes_would_not_take_a_field_that_is_misspelt(
    overlay: Render, tmp_path: Path
) -> None:
    [service] = [one for one in overlay("k8s-dev") if one["metadata"]["name"] == "auth-srv"]
    said = validated([{**service, "spec": {**service["spec"], "selectors": {}}}], tmp_path)
    assert said.returncode != 0


def validated(objects: list[Any], folder: Path) -> subprocess.CompletedProcess[str]:
    path = folder / "objects.yaml"
    path.write_text(yaml.safe_dump_all(objects))
    return subprocess.run(
        [BIN / "kubernetes-validate", "--strict", "-k", VERSION, path],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


@every_overlay
def test_checkov_finds_nothing_but_what_is_explained(
    overlay: Render, name: str, tmp_path: Path
) -> None:
    objects = overlay(name, COMPONENTS)
    skipped = []
    if name == "k8s-dev":
        # skaffold gives what it builds its tag.
        skipped = ["--skip-check", "CKV_K8S_14,CKV_K8S_15,CKV_K8S_35,CKV_K8S_43"]
    path = tmp_path / "objects.yaml"
    path.write_text(yaml.safe_dump_all(objects))
    arguments: list[str | Path] = [
        "--skip-download",
        "--config-file",
        INFRA / ".checkov.yaml",
        *skipped,
    ]
    said = subprocess.run(
        [BIN / "checkov", *arguments, "--file", path, "--compact", "--quiet", "--output", "json"],
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    report = json.loads(said.stdout)
    failed = report.get("results", {}).get("failed_checks", [])
    assert [(one["check_id"], one["check_name"], one["resource"]) for one in failed] == []
    assert report.get("passed") or report["summary"]["passed"] > 1000
