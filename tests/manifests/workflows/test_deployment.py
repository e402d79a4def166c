"""Deployments of one service: they apply its own objects and no others."""

import re
from typing import Any

import pytest
import yaml
from tests.manifests.conftest import Render
from tests.manifests.project import DEPLOYED, WORKFLOWS

from ticketing_dev.checkout import ROOT
from ticketing_dev.tools.manifests import Object

WORKLOADS = {"Deployment", "StatefulSet", "CronJob", "Job"}

each_image = pytest.mark.parametrize("name", DEPLOYED)


@pytest.fixture(scope="module")
def prod(overlay: Render) -> list[Object]:
    return overlay("k8s-prod")


@pytest.fixture(scope="module")
def dev(overlay: Render) -> list[Object]:
    return overlay("k8s-dev")


def labelled(objects: list[Object], name: str) -> list[Object]:
    return [one for one in objects if one["metadata"].get("labels", {}).get("app") == name]


def config_maps_of(value: Any) -> set[str]:
    """Return the ConfigMaps that an object refers to."""
    if isinstance(value, dict):
        named = {value[key]["name"] for key in ("configMapRef", "configMapKeyRef") if key in value}
        volume = value.get("configMap", {"optional": True})
        named |= set() if volume.get("optional") else {volume["name"]}
        return named.union(*map(config_maps_of, value.values()))
    return set().union(*map(config_maps_of, value)) if isinstance(value, list) else set()


def test_deployment_is_of_the_main_branch_only() -> None:
    jobs = yaml.safe_load((WORKFLOWS / "deploy.yml").read_text())["jobs"]
    first, *others = jobs.values()
    assert "github.ref == 'refs/heads/main'" in first["if"]
    assert all("needs" in job for job in others)


def test_backup_user_may_not_restore() -> None:
    script = (ROOT / "infra/k8s/mongo/replica-set/join.js").read_text()
    assert re.search(r'"backup", secret\("BACKUP_PASSWORD"\), \["backup"\]', script)


@each_image
def test_deployment_applies_one_workload_with_its_service_and_settings(
    prod: list[Object], name: str
) -> None:
    steps = yaml.safe_load((WORKFLOWS / "deploy.yml").read_text())["jobs"]["rollout"]["steps"]
    [script] = [step["run"] for step in steps if step.get("id") == "apply"]
    assert """yq 'select(.kind == "ConfigMap" or .metadata.labels.app == strenv(NAME))'""" in script

    settings = {one["metadata"]["name"] for one in prod if one["kind"] == "ConfigMap"}
    applied = labelled(prod, name)
    workloads = [one for one in applied if one["kind"] in WORKLOADS]
    assert set().union(*map(config_maps_of, workloads)) <= settings
    [workload] = [one for one in workloads if one["kind"] == "Deployment"]
    assert f"{name}-srv" in {one["metadata"]["name"] for one in applied}
    named = re.findall(r"deployment/\$NAME-(\w+)", (WORKFLOWS / "deploy.yml").read_text())
    assert {f"{name}-{end}" for end in named} == {workload["metadata"]["name"]}
    assert workload["metadata"]["namespace"] == "ticketing"


def test_deployment_of_ops_applies_its_workloads_without_a_rollout(prod: list[Object]) -> None:
    inputs = yaml.safe_load((WORKFLOWS / "deploy-ops.yml").read_text())["jobs"]["deploy"]["with"]
    assert inputs["has-deployment"] is False
    workloads = [one for one in labelled(prod, "ops") if one["kind"] in WORKLOADS]
    names = {one["metadata"]["name"] for one in workloads}
    assert names == {"audit", "operator", "provisioner"}
    settings = {one["metadata"]["name"] for one in prod if one["kind"] == "ConfigMap"}
    assert set().union(*map(config_maps_of, workloads)) <= settings
    for one in workloads:
        spec = one["spec"].get("jobTemplate", one)["spec"]
        [container] = spec["template"]["spec"]["containers"]
        assert re.fullmatch(r"(.*/)?ticketing/ops([:@].*)?", container["image"])


@each_image
def test_overlay_names_images_as_the_deployment_does(prod: list[Object], name: str) -> None:
    [workload] = [one for one in labelled(prod, name) if one["kind"] == "Deployment"]
    [container] = workload["spec"]["template"]["spec"]["containers"]
    image = re.fullmatch(r"(.*/)?ticketing/([\w-]+)([:@].*)?", container["image"])
    assert image is not None
    assert image[2] == name


def test_skaffold_forwards_existing_ports(dev: list[Object]) -> None:
    services = {one["metadata"]["name"]: one for one in dev if one["kind"] == "Service"}
    forwarded = yaml.safe_load((ROOT / "skaffold.yaml").read_text())["portForward"]
    assert forwarded
    for one in forwarded:
        assert one["resourceType"] == "service"
        service = services[one["resourceName"]]
        assert one["namespace"] == service["metadata"]["namespace"]
        assert one["port"] in [port["port"] for port in service["spec"]["ports"]]


def test_skaffold_syncs_to_a_writable_folder(dev: list[Object]) -> None:
    for name in DEPLOYED:
        [workload] = [one for one in labelled(dev, name) if one["kind"] == "Deployment"]
        spec = workload["spec"]["template"]["spec"]
        [container] = spec["containers"]
        volumes = {mount["mountPath"]: mount["name"] for mount in container["volumeMounts"]}
        assert "emptyDir" in next(one for one in spec["volumes"] if one["name"] == volumes["/tmp"])
        assert "command" not in container, "this would replace the command of the live image"
