"""The network policies of rendered objects: dangling selectors and forbidden connections."""

import re
from collections.abc import Iterator

from tests.manifests.rules.objects import Objects, Pod

OUTSIDE_LABELS = {
    "kubernetes.io/metadata.name",
    "ticketing.dev/ingress",
    "ticketing.dev/monitoring",
}
"""Labels of other namespaces. infra/README.md explains how an operator sets them."""
CREATED_ON_DEMAND = "acme.cert-manager.io/http01-solver"
"""The label of pods that a controller creates when it needs them."""
ADDRESS = re.compile(r"([a-z0-9-]+-srv)(?::(\d+))?")


def policy_faults(known: Objects) -> Iterator[str]:
    for policy in known.of("NetworkPolicy"):
        name, spec = f"NetworkPolicy {policy['metadata']['name']}", policy["spec"]
        own = known.selected(spec["podSelector"])
        if not own and CREATED_ON_DEMAND not in spec["podSelector"].get("matchLabels", {}):
            yield f"{name} selects no pod"
        for direction, end in (("ingress", "from"), ("egress", "to")):
            for rule in spec.get(direction, []):
                pods = []
                for peer in rule.get(end, []):
                    labels = peer.get("namespaceSelector", {}).get("matchLabels", {})
                    yield from (
                        f"{name}: unknown namespace label {one}"
                        for one in {*labels} - OUTSIDE_LABELS
                    )
                    if "podSelector" in peer and "namespaceSelector" not in peer:
                        found = known.selected(peer["podSelector"])
                        if not found:
                            yield f"{name}: no pod matches {peer['podSelector']}"
                        pods += found
                for port in rule.get("ports", []):
                    for listening in own if direction == "ingress" else pods:
                        if port["port"] not in listening.ports:
                            yield f"{name}: {listening.name} has no port {port['port']}"


def connections(known: Objects) -> Iterator[tuple[Pod, str, int]]:
    """Yield pod, Service and port of each connection, from the values of the variables."""
    for pod in known.pods:
        for container in pod.spec["containers"]:
            values = [one.get("value", "") for one in container.get("env", [])]
            for source in container.get("envFrom", []):
                name = source.get("configMapRef", {}).get("name", "")
                if known.has("ConfigMap", name):
                    values += known.get("ConfigMap", name)["data"].values()
            for value in values:
                for service, port in ADDRESS.findall(value):
                    yield pod, service, int(port or 80)


def connection_faults(known: Objects) -> Iterator[str]:
    for pod, service, number in connections(known):
        if not known.has("Service", service):
            yield f"{pod.name} connects to {service}, which does not exist"
            continue
        spec = known.get("Service", service)["spec"]
        if spec.get("type") == "ExternalName":
            continue
        ports = [one for one in spec["ports"] if one["port"] == number]
        if not ports:
            yield f"{pod.name} connects to port {number} of {service}, which has no such port"
        for port in ports:
            for other in known.behind(service):
                number_there = other.ports.get(port["targetPort"], 0)
                if not _is_allowed(known, pod, other, number_there, "Egress"):
                    yield f"{pod.name} may not connect to {service}"
                if not _is_allowed(known, other, pod, number_there, "Ingress"):
                    yield f"{service} may not accept {pod.name}"


def _is_allowed(known: Objects, pod: Pod, peer: Pod, number: int, direction: str) -> bool:
    """Return whether a policy allows a pod's traffic with a peer, at the listening pod's port."""
    rules, end = direction.lower(), "to" if direction == "Egress" else "from"
    listening = peer if direction == "Egress" else pod
    for policy in known.of("NetworkPolicy"):
        spec = policy["spec"]
        if direction not in spec["policyTypes"] or not pod.is_selected(spec["podSelector"]):
            continue
        for rule in spec.get(rules, []):
            ports = [listening.ports.get(one["port"]) for one in rule.get("ports", [])]
            peers = [one["podSelector"] for one in rule.get(end, []) if "podSelector" in one]
            if (not ports or number in ports) and any(peer.is_selected(one) for one in peers):
                return True
    return False
