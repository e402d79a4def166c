"""References in each overlay, and faults that the check must find."""

import copy
import re
from collections.abc import Callable
from typing import Any

import pytest
from tests.manifests.conftest import Faults, Render
from tests.manifests.rules.network_policies import connections
from tests.manifests.rules.objects import Objects
from tests.manifests.rules.pod_security import restricted

from ticketing_common.topology import (
    SERVICE_NAMES,
    SERVICES_WITH_DATABASE,
    SERVICES_WITH_ROUTES,
)
from ticketing_dev.checkout import INGRESS
from ticketing_dev.stack.processes.ingress import Ingress
from ticketing_dev.tools.manifests import Object

OVERLAYS = ["k8s-dev", "k8s-prod"]

each_overlay = pytest.mark.parametrize("name", OVERLAYS)


@each_overlay
def test_overlay_has_no_dangling_references(overlay: Render, faults_of: Faults, name: str) -> None:
    assert faults_of(overlay(name)) == []


@each_overlay
def test_overlay_has_only_restricted_pods(overlay: Render, name: str) -> None:
    pods = Objects(overlay(name), {}).pods
    assert [fault for pod in pods for fault in restricted(pod)] == []


def test_connections_are_read_from_variables(overlay: Render) -> None:
    """Without connections the check of the policies would find nothing."""
    found = {
        (pod.labels["app"], to, port)
        for pod, to, port in connections(Objects(overlay("k8s-dev"), {}))
    }
    assert found >= {(service, "nats-srv", 4222) for service in SERVICE_NAMES}
    assert found >= {(service, f"{service}-mongo-srv", 27017) for service in SERVICES_WITH_DATABASE}
    assert found >= {
        ("expiration", "redis-srv", 6379),
        ("payments", "stripe-srv", 3000),
        ("contact", "sendgrid-srv", 3000),
        ("stripe", "payments-srv", 3000),
        *(("client", f"{service}-srv", 3000) for service in SERVICES_WITH_ROUTES),
    }


def test_client_has_the_routes_of_the_ingress(overlay: Render) -> None:
    settings = [one for one in overlay("k8s-dev") if one["kind"] == "ConfigMap"]
    [routes] = [one["data"]["API_ROUTES"] for one in settings if "API_ROUTES" in one["data"]]
    assert dict(route.split("=") for route in routes.split()) == {
        route.path: f"http://{route.backend}:3000"
        for route in Ingress.from_manifest(INGRESS).routes
        if route.path.startswith("/api/")
    }


class FaultyObjects:
    """Rendered objects, one of which is then changed."""

    def __init__(self, objects: list[Object]) -> None:
        self.objects = copy.deepcopy(objects)

    def __call__(self, kind: str, name: str) -> Any:
        """Return the object of this name, with or without kustomize's hash."""
        named = re.compile(rf"{name}(-[a-z0-9]{{10}})?")
        [found] = [
            one
            for one in self.objects
            if one["kind"] == kind and named.fullmatch(one["metadata"]["name"])
        ]
        return found

    def pod(self, name: str, kind: str = "Deployment") -> Any:
        return self(kind, name)["spec"]["template"]["spec"]

    def app(self, name: str, kind: str = "Deployment") -> Any:
        return self.pod(name, kind)["containers"][0]

    def env(self, name: str, variable: str) -> Any:
        [found] = [one for one in self.app(name)["env"] if one["name"] == variable]
        return found

    def drop(self, kind: str, name: str) -> None:
        self.objects.remove(self(kind, name))


def put(holder: Any, key: Any, value: Any) -> None:
    holder[key] = value


Change = Callable[[FaultyObjects], object]

DANGLING_REFERENCES: dict[str, tuple[Change, str]] = {
    "a Service with a label that no pod has": (
        lambda m: put(m("Service", "orders-srv")["spec"]["selector"], "app", "order"),
        "Service orders-srv selects no pod",
    ),
    "a Service with a port that its pods do not have": (
        lambda m: put(m("Service", "auth-srv")["spec"]["ports"][0], "targetPort", "web"),
        "Service auth-srv: Deployment auth-depl has no port web",
    ),
    "a probe of a closed port": (
        lambda m: put(m.app("tickets-depl")["readinessProbe"]["httpGet"], "port", 8080),
        "Deployment tickets-depl: readinessProbe uses port 8080, which is not open",
    ),
    "a variable from an unknown Secret": (
        lambda m: put(
            m.env("auth-depl", "JWT_PRIVATE_KEY")["valueFrom"]["secretKeyRef"], "name", "jwt"
        ),
        "Deployment auth-depl: there is no Secret jwt",
    ),
    "a variable from an unknown key of a Secret": (
        lambda m: put(
            m.env("payments-depl", "STRIPE_KEY")["valueFrom"]["secretKeyRef"], "key", "KEY"
        ),
        "Deployment payments-depl: Secret stripe-secret has no KEY",
    ),
    "a missing ConfigMap": (
        lambda m: m.drop("ConfigMap", "orders-settings"),
        "Deployment orders-depl: there is no ConfigMap orders-settings-",
    ),
    "a variable with another name than the service reads": (
        lambda m: put(m.env("contact-depl", "SENDGRID_KEY"), "name", "SENDGRID_API_KEY"),
        "contact-depl lacks SENDGRID_KEY",
    ),
    "a variable that the service does not read": (
        lambda m: m.app("tickets-depl")["env"].append({"name": "STRIPE_KEY", "value": "x"}),
        "tickets-depl has STRIPE_KEY, which it does not read",
    ),
    "a variable composed of a later one": (
        lambda m: m.app("orders-depl")["env"].reverse(),
        "Deployment orders-depl: NATS_URL uses NATS_PASSWORD, which is not defined before it",
    ),
    "a mount of an unknown volume": (
        lambda m: put(m.pod("nats", "StatefulSet")["volumes"][0], "name", "conf"),
        "StatefulSet nats mounts the unknown volume config",
    ),
    "a volume of an unknown ConfigMap": (
        lambda m: m.drop("ConfigMap", "tickets-mongo-scripts"),
        "StatefulSet tickets-mongo: there is no ConfigMap tickets-mongo-scripts-",
    ),
    "a volume of an unknown Secret": (
        lambda m: put(
            m.pod("auth-mongo", "StatefulSet")["volumes"][0]["secret"], "secretName", "x"
        ),
        "StatefulSet auth-mongo: there is no Secret x",
    ),
    "a claim of an unknown volume": (
        lambda m: m.drop("PersistentVolumeClaim", "stripe-data"),
        "Deployment stripe-depl: there is no PersistentVolumeClaim stripe-data",
    ),
    "an autoscaler without a target": (
        lambda m: put(
            m("HorizontalPodAutoscaler", "orders")["spec"]["scaleTargetRef"], "name", "orders"
        ),
        "HorizontalPodAutoscaler: there is no Deployment orders",
    ),
    "a disruption budget without pods": (
        lambda m: put(
            m("PodDisruptionBudget", "nats")["spec"]["selector"]["matchLabels"], "app", "nat"
        ),
        "PodDisruptionBudget nats selects no pod",
    ),
    "a policy without pods": (
        lambda m: put(
            m("NetworkPolicy", "redis")["spec"]["podSelector"]["matchLabels"], "app", "x"
        ),
        "NetworkPolicy redis selects no pod",
    ),
    "a policy that accepts unknown pods": (
        lambda m: put(
            m("NetworkPolicy", "redis")["spec"]["ingress"][0]["from"][0]["podSelector"][
                "matchLabels"
            ],
            "app",
            "expire",
        ),
        "redis-srv may not accept Deployment expiration-depl",
    ),
    "a policy with an unknown namespace label": (
        lambda m: put(
            m("NetworkPolicy", "client")["spec"]["ingress"][0]["from"][0]["namespaceSelector"],
            "matchLabels",
            {"app": "traefik"},
        ),
        "NetworkPolicy client: unknown namespace label app",
    ),
    "a policy with an unknown port": (
        lambda m: put(
            m("NetworkPolicy", "auth-mongo")["spec"]["ingress"][0]["ports"][0], "port", "mongodb"
        ),
        "NetworkPolicy auth-mongo: StatefulSet auth-mongo has no port mongodb",
    ),
    "a service without a policy for its connection": (
        lambda m: m("NetworkPolicy", "tickets")["spec"]["egress"].pop(0),
        "Deployment tickets-depl may not connect to limits-redis-srv",
    ),
    "an unknown address in a variable": (
        lambda m: put(m.env("auth-depl", "NATS_URL"), "value", "nats://auth:x@bus-srv:4222"),
        "Deployment auth-depl connects to bus-srv, which does not exist",
    ),
    "an Ingress path to an unknown Service": (
        lambda m: m.drop("Service", "payments-srv"),
        "Ingress /api/payments: there is no Service payments-srv",
    ),
    "an Ingress path to an unknown port": (
        lambda m: put(m("Service", "client-srv")["spec"]["ports"][0], "port", 80),
        "Ingress /: Service client-srv has no port 3000",
    ),
    "a pod with an unknown account": (
        lambda m: m.drop("ServiceAccount", "contact"),
        "Deployment contact-depl: there is no ServiceAccount contact",
    ),
    "a Deployment that does not select its own pods": (
        lambda m: put(m("Deployment", "auth-depl")["spec"]["selector"]["matchLabels"], "app", "x"),
        "Deployment auth-depl does not select its own pods",
    ),
    "a Service that gives a StatefulSet's pods no names": (
        lambda m: m("Service", "orders-mongo-srv")["spec"].pop("clusterIP"),
        "StatefulSet orders-mongo: Service orders-mongo-srv gives its pods no names",
    ),
    "an unknown image": (
        lambda m: put(m.app("client-depl"), "image", "ticketing/pages"),
        "Deployment client-depl: unknown image ticketing/pages",
    ),
    "a password in the arguments of a process": (
        lambda m: m.app("redis", "StatefulSet")["args"].append("$(REDIS_PASSWORD)"),
        "StatefulSet redis has the secret REDIS_PASSWORD in its arguments",
    ),
    "a key that a server refuses in both selectors of a spread constraint": (
        lambda m: put(
            m.pod("auth-depl")["topologySpreadConstraints"][0], "matchLabelKeys", ["app"]
        ),
        "Deployment auth-depl has app in labelSelector and in matchLabelKeys",
    ),
    "a password in NATS' configuration that is not set": (
        lambda m: m.app("nats", "StatefulSet").pop("envFrom"),
        "StatefulSet nats: users.conf uses NATS_AUTH_PASSWORD, which is not set",
    ),
}


@pytest.mark.parametrize("fault", DANGLING_REFERENCES)
def test_reference_check_finds(overlay: Render, faults_of: Faults, fault: str) -> None:
    change, expected = DANGLING_REFERENCES[fault]
    faulty = FaultyObjects(overlay("k8s-dev"))
    change(faulty)
    assert any(found.startswith(expected) for found in faults_of(faulty.objects))


UNRESTRICTED_PODS: dict[str, tuple[Change, str]] = {
    "a pod that may run as root": (
        lambda m: m.pod("auth-depl")["securityContext"].pop("runAsNonRoot"),
        "Deployment auth-depl may run as root",
    ),
    "a pod that may write to its root": (
        lambda m: put(
            m.app("nats", "StatefulSet")["securityContext"], "readOnlyRootFilesystem", False
        ),
        "StatefulSet nats may write to its root",
    ),
    "a pod with a token": (
        lambda m: m.pod("client-depl").pop("automountServiceAccountToken"),
        "Deployment client-depl has a token",
    ),
    "a pod without limits": (
        lambda m: m.app("redis", "StatefulSet")["resources"].pop("limits"),
        "StatefulSet redis has no limits",
    ),
}


@pytest.mark.parametrize("fault", UNRESTRICTED_PODS)
def test_pod_security_check_finds(overlay: Render, fault: str) -> None:
    change, expected = UNRESTRICTED_PODS[fault]
    faulty = FaultyObjects(overlay("k8s-dev"))
    change(faulty)
    found = [each for pod in Objects(faulty.objects, {}).pods for each in restricted(pod)]
    assert expected in found
