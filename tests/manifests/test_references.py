"""Whether what names one another is there: of each overlay, and that a dangling name is noticed."""

import copy
import re
from collections.abc import Callable
from typing import Any

import pytest
from tests.manifests.conftest import Faults, Render
from tests.manifests.references import Objects, connections, restricted

from ticketing_common.topology import SERVICE_NAMES, SERVICES_WITH_DATABASE
from ticketing_dev.tools.manifests import Object

OVERLAYS = ["k8s-dev", "k8s-prod"]

every_overlay = pytest.mark.parametrize("name", OVERLAYS)


@every_overlay
def test_all_that_is_named_is_there(overlay: Render, faults_of: Faults, name: str) -> None:
    assert faults_of(overlay(name)) == []


@every_overlay
def test_no_pod_may_more_than_it_needs(overlay: Render, name: str) -> None:
    pods = Objects(overlay(name), {}).pods
    assert [fault for pod in pods for fault in restricted(pod)] == []


def test_who_talks_to_whom_is_read_off_the_manifests(overlay: Render) -> None:
    """If nothing was found here, nothing would be found missing."""
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
        ("client", "ingress-srv", 80),
    }


class Spoiled:
    """Objects of which one is about to be spoiled."""

    def __init__(self, objects: list[Object]) -> None:
        self.objects = copy.deepcopy(objects)

    def __call__(self, kind: str, name: str) -> Any:
        """The one of this name, with or without what kustomize adds for its contents."""
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


Bug = Callable[[Spoiled], object]

BUGS: dict[str, tuple[Bug, str]] = {
    "a Service selects by a label that no pod has": (
        lambda m: put(m("Service", "orders-srv")["spec"]["selector"], "app", "order"),
        "Service orders-srv selects no pod",
    ),
    "a Service leads to a port that its pods have not": (
        lambda m: put(m("Service", "auth-srv")["spec"]["ports"][0], "targetPort", "web"),
        "Service auth-srv: Deployment auth-depl has no port web",
    ),
    "a probe asks a port on which nobody listens": (
        lambda m: put(m.app("tickets-depl")["readinessProbe"]["httpGet"], "port", 8080),
        "Deployment tickets-depl: readinessProbe asks port 8080, on which nobody listens",
    ),
    "a variable is of a Secret that is not there": (
        lambda m: put(m.env("auth-depl", "JWT_KEY")["valueFrom"]["secretKeyRef"], "name", "jwt"),
        "Deployment auth-depl: there is no Secret jwt",
    ),
    "a variable is of a key that its Secret has not": (
        lambda m: put(
            m.env("payments-depl", "STRIPE_KEY")["valueFrom"]["secretKeyRef"], "key", "KEY"
        ),
        "Deployment payments-depl: Secret stripe-secret has no KEY",
    ),
    "a ConfigMap is gone": (
        lambda m: m.drop("ConfigMap", "orders-settings"),
        "Deployment orders-depl: there is no ConfigMap orders-settings-",
    ),
    "a variable has another name than the service reads": (
        lambda m: put(m.env("contact-depl", "SENDGRID_KEY"), "name", "SENDGRID_API_KEY"),
        "contact-depl is not told SENDGRID_KEY",
    ),
    "a variable is told to a service that does not read it": (
        lambda m: m.app("tickets-depl")["env"].append({"name": "STRIPE_KEY", "value": "x"}),
        "tickets-depl is told STRIPE_KEY, which nobody reads",
    ),
    "a variable is made of one that comes after it": (
        lambda m: m.app("orders-depl")["env"].reverse(),
        "Deployment orders-depl: NATS_URL names NATS_PASSWORD, which is not known before it",
    ),
    "a volume is mounted that is not there": (
        lambda m: put(m.pod("nats", "StatefulSet")["volumes"][0], "name", "conf"),
        "StatefulSet nats mounts no volume that is there: config",
    ),
    "a volume is of a ConfigMap that is not there": (
        lambda m: m.drop("ConfigMap", "tickets-mongo-scripts"),
        "StatefulSet tickets-mongo: there is no ConfigMap tickets-mongo-scripts-",
    ),
    "a volume is of a Secret that is not there": (
        lambda m: put(
            m.pod("auth-mongo", "StatefulSet")["volumes"][0]["secret"], "secretName", "x"
        ),
        "StatefulSet auth-mongo: there is no Secret x",
    ),
    "a volume is claimed that nobody gives": (
        lambda m: m.drop("PersistentVolumeClaim", "stripe-data"),
        "Deployment stripe-depl: there is no PersistentVolumeClaim stripe-data",
    ),
    "an autoscaler scales nobody": (
        lambda m: put(
            m("HorizontalPodAutoscaler", "orders")["spec"]["scaleTargetRef"], "name", "orders"
        ),
        "HorizontalPodAutoscaler: there is no Deployment orders",
    ),
    "a disruption budget is about nobody": (
        lambda m: put(
            m("PodDisruptionBudget", "nats")["spec"]["selector"]["matchLabels"], "app", "nat"
        ),
        "PodDisruptionBudget nats selects no pod",
    ),
    "a policy is about nobody": (
        lambda m: put(
            m("NetworkPolicy", "redis")["spec"]["podSelector"]["matchLabels"], "app", "x"
        ),
        "NetworkPolicy redis is about no pod",
    ),
    "a policy lets in whom there is not": (
        lambda m: put(
            m("NetworkPolicy", "redis")["spec"]["ingress"][0]["from"][0]["podSelector"][
                "matchLabels"
            ],
            "app",
            "expire",
        ),
        "redis-srv may not hear Deployment expiration-depl",
    ),
    "a policy knows a namespace by a label that nobody sets": (
        lambda m: put(
            m("NetworkPolicy", "client")["spec"]["ingress"][0]["from"][0]["namespaceSelector"],
            "matchLabels",
            {"app": "traefik"},
        ),
        "NetworkPolicy client: who is app?",
    ),
    "a policy opens a port that is none": (
        lambda m: put(
            m("NetworkPolicy", "auth-mongo")["spec"]["ingress"][0]["ports"][0], "port", "mongodb"
        ),
        "NetworkPolicy auth-mongo: StatefulSet auth-mongo has no port mongodb",
    ),
    "a service may not go where it is told to go": (
        lambda m: m("NetworkPolicy", "tickets")["spec"]["egress"].pop(0),
        "Deployment tickets-depl may not talk to nats-srv",
    ),
    "a service is told an address that is not there": (
        lambda m: put(m.env("auth-depl", "NATS_URL"), "value", "nats://auth:x@bus-srv:4222"),
        "Deployment auth-depl is to talk to bus-srv, which is not there",
    ),
    "the Ingress leads to a Service that is not there": (
        lambda m: m.drop("Service", "payments-srv"),
        "Ingress /api/payments: there is no Service payments-srv",
    ),
    "the Ingress leads to a port that its Service has not": (
        lambda m: put(m("Service", "client-srv")["spec"]["ports"][0], "port", 80),
        "Ingress /: Service client-srv has no port 3000",
    ),
    "a pod runs as an account that is not there": (
        lambda m: m.drop("ServiceAccount", "contact"),
        "Deployment contact-depl: there is no ServiceAccount contact",
    ),
    "a Deployment does not select its own pods": (
        lambda m: put(m("Deployment", "auth-depl")["spec"]["selector"]["matchLabels"], "app", "x"),
        "Deployment auth-depl does not select its own pods",
    ),
    "a StatefulSet's Service gives its pods no names": (
        lambda m: m("Service", "orders-mongo-srv")["spec"].pop("clusterIP"),
        "StatefulSet orders-mongo: Service orders-mongo-srv gives its pods no names",
    ),
    "an image is built by nobody": (
        lambda m: put(m.app("client-depl"), "image", "ticketing/pages"),
        "Deployment client-depl: nobody builds ticketing/pages",
    ),
    "NATS is not told a password that its users have": (
        lambda m: m.app("nats", "StatefulSet").pop("envFrom"),
        "StatefulSet nats: users.conf names NATS_AUTH_PASSWORD, which is not told",
    ),
}


@pytest.mark.parametrize("bug", BUGS)
def test_it_is_noticed_where(overlay: Render, faults_of: Faults, bug: str) -> None:
    plant, expected = BUGS[bug]
    spoiled = Spoiled(overlay("k8s-dev"))
    plant(spoiled)
    assert any(fault.startswith(expected) for fault in faults_of(spoiled.objects))


LOOSE: dict[str, tuple[Bug, str]] = {
    "a pod may run as root": (
        lambda m: m.pod("auth-depl")["securityContext"].pop("runAsNonRoot"),
        "Deployment auth-depl may run as root",
    ),
    "a pod may write to its root": (
        lambda m: put(
            m.app("nats", "StatefulSet")["securityContext"], "readOnlyRootFilesystem", False
        ),
        "StatefulSet nats may write to its root",
    ),
    "a pod has a token": (
        lambda m: m.pod("client-depl").pop("automountServiceAccountToken"),
        "Deployment client-depl has a token",
    ),
    "a pod has no limits": (
        lambda m: m.app("redis", "StatefulSet")["resources"].pop("limits"),
        "StatefulSet redis has no limits",
    ),
}


@pytest.mark.parametrize("bug", LOOSE)
def test_it_is_noticed_that(overlay: Render, bug: str) -> None:
    plant, expected = LOOSE[bug]
    spoiled = Spoiled(overlay("k8s-dev"))
    plant(spoiled)
    found = [fault for pod in Objects(spoiled.objects, {}).pods for fault in restricted(pod)]
    assert expected in found
