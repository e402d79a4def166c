"""What is rendered: every overlay with any components, and what it promises to who is outside."""

import itertools
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.manifests.conftest import Faults, Render
from tests.manifests.linters import complaints
from tests.manifests.references import NOWHERE, Objects

from ticketing_common.messaging.consumer import HANDLER_TIMEOUT_SECONDS
from ticketing_common.messaging.replay import REPLAY_STREAM
from ticketing_common.messaging.streams import consumers
from ticketing_common.topology import SERVICE_NAMES, SERVICES_WITH_DATABASE
from ticketing_dev.checkout import INGRESS, ROOT
from ticketing_dev.stack.rolling_restart import DRAIN_SECONDS
from ticketing_dev.tools.events.service_listeners import service_listeners
from ticketing_dev.tools.manifests import COMPONENTS, INFRA, Object

# Each component and all together. Their other combinations take a minute: `make test-manifests`.
SIZES = range(len(COMPONENTS) + 1) if "TICKETING_MANIFESTS" in os.environ else (1, len(COMPONENTS))
CHOICES = [
    pytest.param(name, chosen, id="+".join([name, *chosen]))
    for name in ("k8s-dev", "k8s-prod")
    for size in SIZES
    for chosen in itertools.combinations(COMPONENTS, size)
]

every_overlay = pytest.mark.parametrize("name", ["k8s-dev", "k8s-prod"])


@pytest.mark.parametrize(("name", "components"), CHOICES)
def test_an_overlay_is_whole_with_any_components(
    overlay: Render, faults_of: Faults, name: str, components: tuple[str, ...]
) -> None:
    objects = overlay(name, components)
    assert faults_of(objects) == []
    kinds = {one["kind"] for one in objects}
    assert ("HTTPRoute" in kinds) == ("gateway-api" in components) == ("Ingress" not in kinds)
    assert ("Issuer" in kinds) == ("cert-manager" in components)
    assert ("ExternalSecret" in kinds) == ("external-secrets" in components)
    assert ("ScaledObject" in kinds) == ("keda" in components)
    assert ("PrometheusRule" in kinds) == ("monitoring" in components)
    names = {one["metadata"]["name"] for one in objects if one["kind"] == "CronJob"}
    assert {"audit", "operator", "payments-command"} <= names
    assert ("backup" in names) == ("restore" in names) == ("backups" in components)


@every_overlay
def test_everything_is_in_its_own_namespace(overlay: Render, name: str) -> None:
    for one in overlay(name):
        if one["kind"] == "Namespace":
            assert one["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
        else:
            assert one["metadata"]["namespace"] == "ticketing"


def test_production_holds_no_secret_and_no_stand_in(overlay: Render) -> None:
    objects = overlay("k8s-prod")
    assert [one for one in objects if one["kind"] == "Secret"] == []
    assert "stand-in" not in yaml.safe_dump(objects)
    assert "sandbox" not in yaml.safe_dump(objects)


def test_the_script_makes_every_secret_that_a_market_has(
    secrets: dict[str, set[str]], secrets_script: Path, tmp_path: Path
) -> None:
    """With a kubectl that writes down what it is told, as there is no cluster."""
    said = tmp_path / "said"
    kubectl = tmp_path / "kubectl"
    kubectl.write_text(
        f'#!/bin/sh\ncase "$*" in *" get "*) exit 1;; esac\n{{ echo "> $6"; cat; }} >> {said}\n'
    )
    kubectl.chmod(0o755)
    given = {"STRIPE_KEY": "a", "STRIPE_WEBHOOK_SECRET": "b", "SENDGRID_KEY": "c"}
    env = {**given, "SENDGRID_EMAIL": "d", "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    subprocess.run([secrets_script], env=env, check=True)

    made: dict[str, dict[str, str]] = {}
    for block in said.read_text().split("> ")[1:]:
        name, *lines = block.splitlines()
        made[name] = dict(line.split("=", 1) for line in lines)
    assert {name: set(keys) for name, keys in made.items()} == {
        **secrets,
        "nats-users": {*secrets["nats-users"], "NATS_CLUSTER_PASSWORD"},
    }
    values = [value for keys in made.values() for value in keys.values()]
    assert len({*values}) == len(values)
    assert len(made["jwt-secret"]["JWT_KEY"].encode()) >= 32
    for name, keys in made.items():
        for key, value in keys.items():
            if "PASSWORD" in key:
                # In an address as it is, and no number for NATS.
                assert re.fullmatch("p[0-9a-f]{48}", value), name


def test_a_vault_holds_the_same_secrets(overlay: Render, secrets: dict[str, set[str]]) -> None:
    external = Objects(overlay("k8s-prod", ("external-secrets",)), {}).of("ExternalSecret")
    assert {one["metadata"]["name"] for one in external} == {*secrets}


def test_a_gateway_has_the_routes_of_the_ingress(overlay: Render) -> None:
    gateway = Objects(overlay("k8s-prod", ("gateway-api",)), {})
    assert sorted(_of_route(gateway)) == sorted(_of_ingress(Objects(overlay("k8s-prod"), {})))


Route = tuple[str, bool, str, int]


def _of_ingress(objects: Objects) -> Iterator[Route]:
    [ingress] = objects.of("Ingress")
    for path in ingress["spec"]["rules"][0]["http"]["paths"]:
        service = path["backend"]["service"]
        exact = path["pathType"] == "Exact"
        yield path["path"], exact, service["name"], service["port"]["number"]


def _of_route(objects: Objects) -> Iterator[Route]:
    [route] = objects.of("HTTPRoute")
    for rule in route["spec"]["rules"]:
        [backend] = rule["backendRefs"]
        for match in rule["matches"]:
            exact = match["path"]["type"] == "Exact"
            yield match["path"]["value"], exact, backend["name"], backend["port"]


@pytest.mark.parametrize("components", [(), ("gateway-api",)])
def test_what_is_for_the_cluster_alone_is_out_of_reach(
    overlay: Render, components: tuple[str, ...]
) -> None:
    objects = Objects(overlay("k8s-prod", components), {})
    routes = _of_route(objects) if components else _of_ingress(objects)
    nowhere = {path: exact for path, exact, service, _ in routes if service == NOWHERE}
    assert nowhere == {"/metrics": True, "/healthz": True, "/readyz": True, "/dev": False}
    assert objects.behind(NOWHERE) == []


@every_overlay
def test_the_ingress_knows_no_controller(overlay: Render, name: str) -> None:
    [ingress] = Objects(overlay(name), {}).of("Ingress")
    issued = {"cert-manager.io/issuer": "letsencrypt"} if name == "k8s-prod" else {}
    assert ingress["metadata"].get("annotations", {}) == issued
    assert "ingressClassName" not in ingress["spec"]
    paths = [path for rule in ingress["spec"]["rules"] for path in rule["http"]["paths"]]
    assert {path["pathType"] for path in paths} <= {"Prefix", "Exact"}


def test_the_local_nginx_has_the_routes_of_the_overlay_to_work_on(overlay: Render) -> None:
    local = Objects(
        [one for one in yaml.safe_load_all(INGRESS.read_text()) if one["kind"] == "Ingress"], {}
    )
    here = {*_of_ingress(local)}
    there = {*_of_ingress(Objects(overlay("k8s-dev"), {}))}
    assert {path for path, *_ in there - here} == {"/dev/stripe", "/dev/mail"}
    assert here < there


@pytest.mark.parametrize("components", [("cert-manager",), ("gateway-api", "cert-manager")])
def test_the_host_is_set_in_one_place(overlay: Render, components: tuple[str, ...]) -> None:
    text = (INFRA / "k8s-prod" / "kustomization.yaml").read_text()
    assert text.count("ticketing.example.com") == 1
    entry = [
        one
        for one in overlay("k8s-prod", components)
        if one["kind"] in ("Ingress", "Gateway", "HTTPRoute")
    ]
    assert "ticketing.example.com" in yaml.safe_dump(entry)
    assert "ticketing.dev" not in yaml.safe_dump(entry)


@pytest.mark.parametrize("service", SERVICE_NAMES)
@every_overlay
def test_probes_mean_what_was_promised(overlay: Render, name: str, service: str) -> None:
    app = _app(overlay(name), service)
    asked = {
        probe: app[f"{probe}Probe"]["httpGet"]["path"]
        for probe in ("startup", "liveness", "readiness")
    }
    assert asked == {"startup": "/healthz", "liveness": "/healthz", "readiness": "/readyz"}


@pytest.mark.parametrize("service", SERVICE_NAMES)
def test_a_pod_is_given_the_time_that_its_service_takes_to_stop(
    overlay: Render, service: str
) -> None:
    deployment = Objects(overlay("k8s-prod"), {}).get("Deployment", f"{service}-depl")["spec"]
    pod = deployment["template"]["spec"]
    dockerfile = (ROOT / "services" / "Dockerfile").read_text()
    [requests] = re.findall(r"UVICORN_TIMEOUT_GRACEFUL_SHUTDOWN=(\d+)", dockerfile)
    before = pod["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]
    outbox = 3
    assert before == DRAIN_SECONDS, "as long as a local process waits for the ingress"
    takes = before + int(requests) + HANDLER_TIMEOUT_SECONDS + outbox
    assert pod["terminationGracePeriodSeconds"] >= takes
    assert deployment["strategy"]["rollingUpdate"]["maxUnavailable"] == 0


def test_production_has_three_of_each_store_and_three_copies_of_each_stream(
    overlay: Render,
) -> None:
    objects = Objects(overlay("k8s-prod"), {})
    sets = {one["metadata"]["name"]: one["spec"] for one in objects.of("StatefulSet")}
    stored = [f"{service}-mongo" for service in SERVICES_WITH_DATABASE]
    assert {name: sets[name]["replicas"] for name in (*stored, "nats")} == dict.fromkeys(
        (*stored, "nats"), 3
    )
    [settings] = [one["data"] for one in objects.of("ConfigMap") if "NATS_REPLICAS" in one["data"]]
    assert settings["NATS_REPLICAS"] == "3"
    spread = Objects(overlay("k8s-dev"), {}).of("StatefulSet")
    assert {one["spec"].get("replicas", 1) for one in spread} == {1}


def test_keda_scales_who_listens_by_what_waits_for_it(overlay: Render) -> None:
    scaled = {
        (one["metadata"]["name"], trigger["metadata"].get("stream"))
        for one in Objects(overlay("k8s-prod", ("keda",)), {}).of("ScaledObject")
        for trigger in one["spec"]["triggers"]
        if trigger["type"] == "nats-jetstream"
    }
    assert scaled == {
        (listeners.service, stream)
        for listeners in service_listeners()
        for stream in consumers(listeners)
        if stream != REPLAY_STREAM
    }


def test_the_files_are_written_alike() -> None:
    assert complaints("yamllint", "--strict", INFRA, folder=ROOT) == ""


def _app(objects: list[Object], service: str) -> Any:
    deployment = Objects(objects, {}).get("Deployment", f"{service}-depl")
    return deployment["spec"]["template"]["spec"]["containers"][0]
