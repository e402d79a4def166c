"""The rendered overlays, with any of the components."""

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
from tests.manifests.linters import lint
from tests.manifests.rules.objects import Objects
from tests.manifests.rules.references import NO_BACKEND

from ticketing_common.messaging.consuming.delivery import HANDLER_TIMEOUT_SECONDS
from ticketing_common.messaging.replay import REPLAY_STREAM
from ticketing_common.messaging.streams import consumers
from ticketing_common.sessions.keys import SigningKey, parse_public_keys
from ticketing_common.topology import SERVICE_NAMES, SERVICES_WITH_DATABASE
from ticketing_dev.checkout import INGRESS, ROOT
from ticketing_dev.stack.rolling_restart import DRAIN_SECONDS
from ticketing_dev.tools.events.service_listeners import service_listeners
from ticketing_dev.tools.manifests import COMPONENTS, INFRA, REQUIRED_COMPONENTS, Object

# Each component and all together. Their other combinations take a minute: `make test-manifests`.
SIZES = range(len(COMPONENTS) + 1) if "TICKETING_MANIFESTS" in os.environ else (1, len(COMPONENTS))
CHOICES = [
    pytest.param(name, chosen, id="+".join([name, *chosen]))
    for name in ("k8s-dev", "k8s-prod")
    for size in SIZES
    for chosen in itertools.combinations(COMPONENTS, size)
    if all(REQUIRED_COMPONENTS.get(one, set()) <= {*chosen} for one in chosen)
]

each_overlay = pytest.mark.parametrize("name", ["k8s-dev", "k8s-prod"])


@pytest.mark.parametrize(("name", "components"), CHOICES)
def test_overlay_is_complete_with_components(
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


@each_overlay
def test_overlay_uses_one_namespace(overlay: Render, name: str) -> None:
    for one in overlay(name):
        if one["kind"] == "Namespace":
            assert one["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
        else:
            assert one["metadata"]["namespace"] == "ticketing"


def test_production_overlay_has_no_secrets_and_stand_ins(overlay: Render) -> None:
    objects = overlay("k8s-prod")
    assert [one for one in objects if one["kind"] == "Secret"] == []
    assert "stand-in" not in yaml.safe_dump(objects)
    assert "sandbox" not in yaml.safe_dump(objects)


def test_secrets_script_creates_every_secret(
    secrets: dict[str, set[str]], secrets_script: Path, tmp_path: Path
) -> None:
    """A fake kubectl records its input, because there is no cluster."""
    recorded = tmp_path / "recorded"
    kubectl = tmp_path / "kubectl"
    kubectl.write_text(
        f'#!/bin/sh\ncase "$*" in *" get "*) exit 1;; esac\n{{ echo "> $6"; cat; }} >> {recorded}\n'
    )
    kubectl.chmod(0o755)
    required = {"STRIPE_KEY": "a", "STRIPE_WEBHOOK_SECRET": "b", "SENDGRID_KEY": "c"}
    env = {**required, "SENDGRID_EMAIL": "d", "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    subprocess.run([secrets_script], env=env, check=True)

    created: dict[str, dict[str, str]] = {}
    for block in recorded.read_text().split("> ")[1:]:
        name, *lines = block.splitlines()
        created[name] = dict(line.split("=", 1) for line in lines)
    assert {name: set(keys) for name, keys in created.items()} == {
        **secrets,
        "nats-users": {*secrets["nats-users"], "NATS_CLUSTER_PASSWORD"},
    }
    values = [value for keys in created.values() for value in keys.values()]
    assert len({*values}) == len(values)
    private_key = SigningKey.parse(created["jwt-private-key"]["JWT_PRIVATE_KEY"])
    assert private_key.kid in parse_public_keys(created["jwt-public-keys"]["JWT_PUBLIC_KEYS"])
    for name, keys in created.items():
        for key, value in keys.items():
            if "PASSWORD" in key:
                # Valid in a URL without escapes, and not a number for NATS.
                assert re.fullmatch("p[0-9a-f]{48}", value), name


def test_external_secrets_are_the_same_secrets(
    overlay: Render, secrets: dict[str, set[str]]
) -> None:
    external = Objects(overlay("k8s-prod", ("external-secrets",)), {}).of("ExternalSecret")
    assert {one["metadata"]["name"] for one in external} == {*secrets}


def test_gateway_has_the_routes_of_the_ingress(overlay: Render) -> None:
    gateway = Objects(overlay("k8s-prod", ("gateway-api",)), {})
    assert sorted(_of_route(gateway)) == sorted(_of_ingress(Objects(overlay("k8s-prod"), {})))


def test_gateway_redirects_http_to_https(overlay: Render) -> None:
    components = ("gateway-api", "cert-manager", "gateway-redirect")
    objects = Objects(overlay("k8s-prod", components), {})
    [gateway] = objects.of("Gateway")
    protocols = {one["name"]: one["protocol"] for one in gateway["spec"]["listeners"]}
    assert protocols == {"http": "HTTP", "https": "HTTPS"}
    routes = {one["metadata"]["name"]: one["spec"] for one in objects.of("HTTPRoute")}
    listeners = {name: spec["parentRefs"][0]["sectionName"] for name, spec in routes.items()}
    assert listeners == {"ticketing": "https", "redirect-to-https": "http"}
    [rule] = routes["redirect-to-https"]["rules"]
    assert rule["filters"][0]["requestRedirect"] == {"scheme": "https", "statusCode": 301}
    assert "backendRefs" not in rule


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
def test_routes_hide_the_probes(overlay: Render, components: tuple[str, ...]) -> None:
    objects = Objects(overlay("k8s-prod", components), {})
    routes = _of_route(objects) if components else _of_ingress(objects)
    hidden = {path: exact for path, exact, service, _ in routes if service == NO_BACKEND}
    assert hidden == {"/metrics": True, "/healthz": True, "/readyz": True, "/dev": False}
    assert objects.behind(NO_BACKEND) == []


@each_overlay
def test_ingress_is_independent_of_controllers(overlay: Render, name: str) -> None:
    [ingress] = Objects(overlay(name), {}).of("Ingress")
    issued = {"cert-manager.io/issuer": "letsencrypt"} if name == "k8s-prod" else {}
    assert ingress["metadata"].get("annotations", {}) == issued
    assert "ingressClassName" not in ingress["spec"]
    paths = [path for rule in ingress["spec"]["rules"] for path in rule["http"]["paths"]]
    assert {path["pathType"] for path in paths} <= {"Prefix", "Exact"}


def test_local_ingress_has_the_routes_of_the_overlay(overlay: Render) -> None:
    local = Objects(
        [one for one in yaml.safe_load_all(INGRESS.read_text()) if one["kind"] == "Ingress"], {}
    )
    here = {*_of_ingress(local)}
    there = {*_of_ingress(Objects(overlay("k8s-dev"), {}))}
    assert {path for path, *_ in there - here} == {"/dev/stripe", "/dev/mail"}
    assert here < there


@pytest.mark.parametrize(
    "components",
    [("cert-manager",), ("gateway-api", "cert-manager", "gateway-redirect")],
)
def test_overlay_sets_the_host_once(overlay: Render, components: tuple[str, ...]) -> None:
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
@each_overlay
def test_pod_has_the_contract_probes(overlay: Render, name: str, service: str) -> None:
    app = _app(overlay(name), service)
    paths = {
        probe: app[f"{probe}Probe"]["httpGet"]["path"]
        for probe in ("startup", "liveness", "readiness")
    }
    assert paths == {"startup": "/healthz", "liveness": "/healthz", "readiness": "/readyz"}


@pytest.mark.parametrize("service", SERVICE_NAMES)
def test_pod_grace_period_covers_the_shutdown_of_the_service(overlay: Render, service: str) -> None:
    deployment = Objects(overlay("k8s-prod"), {}).get("Deployment", f"{service}-depl")["spec"]
    pod = deployment["template"]["spec"]
    dockerfile = (ROOT / "services" / "Dockerfile").read_text()
    [requests] = re.findall(r"UVICORN_TIMEOUT_GRACEFUL_SHUTDOWN=(\d+)", dockerfile)
    before = pod["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]
    outbox = 3
    assert before == DRAIN_SECONDS, "a local process waits as long for the ingress"
    shutdown = before + int(requests) + HANDLER_TIMEOUT_SECONDS + outbox
    assert pod["terminationGracePeriodSeconds"] >= shutdown
    assert deployment["strategy"]["rollingUpdate"]["maxUnavailable"] == 0


def test_production_overlay_has_three_replicas_of_stores_and_streams(
    overlay: Render,
) -> None:
    objects = Objects(overlay("k8s-prod"), {})
    sets = {one["metadata"]["name"]: one["spec"] for one in objects.of("StatefulSet")}
    stores = [f"{service}-mongo" for service in SERVICES_WITH_DATABASE]
    assert {name: sets[name]["replicas"] for name in (*stores, "nats")} == dict.fromkeys(
        (*stores, "nats"), 3
    )
    [settings] = [one["data"] for one in objects.of("ConfigMap") if "NATS_REPLICAS" in one["data"]]
    assert settings["NATS_REPLICAS"] == "3"
    spread = Objects(overlay("k8s-dev"), {}).of("StatefulSet")
    assert {one["spec"].get("replicas", 1) for one in spread} == {1}


def test_keda_scales_consumers_by_pending_events(overlay: Render) -> None:
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


def test_yamllint_finds_nothing_in_the_manifests() -> None:
    assert lint("yamllint", "--strict", INFRA, folder=ROOT) == ""


def _app(objects: list[Object], service: str) -> Any:
    deployment = Objects(objects, {}).get("Deployment", f"{service}-depl")
    return deployment["spec"]["template"]["spec"]["containers"][0]
