"""What no linter of manifests sees: whether the objects that name one another are there.

`faults` says in words what is wrong with a set of rendered objects; nothing where all is well.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ticketing_dev.tools.manifests import Object

OUTSIDE = {
    "kubernetes.io/metadata.name",
    "ticketing.dev/ingress",
    "ticketing.dev/monitoring",
}
"""The labels by which namespaces of others are known: infra/README.md has an operator set them."""
NOWHERE = "no-backend-srv"
MADE_LATER = "acme.cert-manager.io/http01-solver"
"""The label of pods that somebody else makes when they are needed."""
WORKLOADS = ("Deployment", "StatefulSet", "CronJob")


@dataclass(frozen=True)
class Pod:
    """What a workload's pods will be."""

    owner: Object
    labels: Mapping[str, str]
    spec: Object

    @property
    def name(self) -> str:
        return f"{self.owner['kind']} {self.owner['metadata']['name']}"

    @property
    def containers(self) -> list[Object]:
        return [*self.spec.get("initContainers", []), *self.spec["containers"]]

    @property
    def ports(self) -> dict[str | int, int]:
        """Numbers of the ports on which it listens, by their names and by themselves."""
        found: dict[str | int, int] = {}
        for port in (port for one in self.containers for port in one.get("ports", [])):
            found[port["containerPort"]] = found[port.get("name", "")] = port["containerPort"]
        return found

    def is_selected(self, selector: Object) -> bool:
        """By a `podSelector`, or whatever has its form."""
        if any(self.labels.get(k) != v for k, v in selector.get("matchLabels", {}).items()):
            return False
        return all(_holds(one, self.labels) for one in selector.get("matchExpressions", []))


def _holds(rule: Object, labels: Mapping[str, str]) -> bool:
    value = labels.get(rule["key"])
    match rule["operator"]:
        case "Exists":
            return value is not None
        case "In":
            return value in rule["values"]
        case _:
            raise ValueError(f"who writes {rule['operator']}, writes its meaning here")


class Objects:
    """A set of rendered objects, to be asked for by kind and name."""

    def __init__(self, objects: Collection[Object], secrets: Mapping[str, Collection[str]]) -> None:
        """`secrets`: keys by Secret, of those that are made by somebody else."""
        self._all = {(one["kind"], one["metadata"]["name"]): one for one in objects}
        self.secrets: dict[str, Collection[str]] = dict(secrets)
        for one in self.of("Secret"):
            keys = {**one.get("data", {}), **one.get("stringData", {})}
            self.secrets[one["metadata"]["name"]] = set(keys)
        self.pods = [_pod(one) for kind in WORKLOADS for one in self.of(kind)]

    def of(self, *kinds: str) -> list[Object]:
        return [one for (kind, _), one in self._all.items() if kind in kinds]

    def has(self, kind: str, name: str) -> bool:
        return (kind, name) in self._all

    def get(self, kind: str, name: str) -> Object:
        return self._all[kind, name]

    def selected(self, selector: Object) -> list[Pod]:
        return [pod for pod in self.pods if pod.is_selected(selector)]

    def behind(self, service: str) -> list[Pod]:
        labels = self.get("Service", service)["spec"].get("selector")
        return self.selected({"matchLabels": labels}) if labels else []


def _pod(owner: Object) -> Pod:
    spec = owner["spec"]
    template = (spec["jobTemplate"]["spec"] if owner["kind"] == "CronJob" else spec)["template"]
    return Pod(owner, template["metadata"]["labels"], template["spec"])


def faults(
    objects: Collection[Object],
    secrets: Mapping[str, Collection[str]],
    settings: Mapping[str, Collection[str]],
    images: Collection[str],
) -> list[str]:
    """`secrets`: see Objects; `settings`: the variables that each service reads; `images`: ours."""
    known = Objects(objects, secrets)
    return [
        *_of_services(known),
        *_of_routes(known),
        *_of_selectors(known),
        *_of_targets(known),
        *(fault for pod in known.pods for fault in _of_pod(known, pod, images)),
        *_of_environments(known, settings),
        *_of_policies(known),
        *_of_connections(known),
        *_of_the_bus(known),
    ]


def _of_services(known: Objects) -> Iterator[str]:
    for service in known.of("Service"):
        name, spec = service["metadata"]["name"], service["spec"]
        if spec.get("type") == "ExternalName" or name == NOWHERE:
            continue
        pods = known.selected({"matchLabels": spec.get("selector") or {"": ""}})
        if not pods:
            yield f"Service {name} selects no pod"
        for pod in pods:
            for port in spec["ports"]:
                if port.get("targetPort", port["port"]) not in pod.ports:
                    yield f"Service {name}: {pod.name} has no port {port['targetPort']}"


def _of_routes(known: Objects) -> Iterator[str]:
    asked: list[tuple[str, str, int]] = []
    for one in known.of("Ingress"):
        for path in (path for rule in one["spec"]["rules"] for path in rule["http"]["paths"]):
            backend = path["backend"]["service"]
            asked.append((f"Ingress {path['path']}", backend["name"], backend["port"]["number"]))
    for one in known.of("HTTPRoute"):
        for parent in one["spec"]["parentRefs"]:
            if not known.has("Gateway", parent["name"]):
                yield f"HTTPRoute: there is no Gateway {parent['name']}"
        for rule in one["spec"]["rules"]:
            where = rule["matches"][0]["path"]["value"]
            asked += [(f"HTTPRoute {where}", b["name"], b["port"]) for b in rule["backendRefs"]]
    for who, service, number in asked:
        if not known.has("Service", service):
            yield f"{who}: there is no Service {service}"
        elif number not in [one["port"] for one in known.get("Service", service)["spec"]["ports"]]:
            yield f"{who}: Service {service} has no port {number}"


def _of_selectors(known: Objects) -> Iterator[str]:
    for pod in known.pods:
        if (selector := pod.owner["spec"].get("selector")) and not pod.is_selected(selector):
            yield f"{pod.name} does not select its own pods"
    for one in known.of("PodDisruptionBudget", "PodMonitor"):
        pods = known.selected(one["spec"]["selector"])
        if not pods:
            yield f"{one['kind']} {one['metadata']['name']} selects no pod"
        for port in [end["port"] for end in one["spec"].get("podMetricsEndpoints", [])]:
            for pod in [pod for pod in pods if port not in pod.ports]:
                yield f"{one['kind']}: {pod.name} has no port {port}"


def _of_targets(known: Objects) -> Iterator[str]:
    for one in known.of("HorizontalPodAutoscaler", "ScaledObject"):
        target = one["spec"]["scaleTargetRef"]
        kind = target.get("kind", "Deployment")
        if not known.has(kind, target["name"]):
            yield f"{one['kind']}: there is no {kind} {target['name']}"
        if one["kind"] == "ScaledObject" and known.has("HorizontalPodAutoscaler", target["name"]):
            yield f"{target['name']} is scaled by two"
    for one in known.of("StatefulSet"):
        name = one["spec"]["serviceName"]
        if not known.has("Service", name):
            yield f"StatefulSet {one['metadata']['name']}: there is no Service {name}"
        elif known.get("Service", name)["spec"].get("clusterIP") != "None":
            yield f"StatefulSet {one['metadata']['name']}: Service {name} gives its pods no names"


def _of_pod(known: Objects, pod: Pod, images: Collection[str]) -> Iterator[str]:
    account = pod.spec.get("serviceAccountName")
    if account and not known.has("ServiceAccount", account):
        yield f"{pod.name}: there is no ServiceAccount {account}"
    volumes = {one["name"] for one in pod.spec.get("volumes", [])}
    volumes |= {
        one["metadata"]["name"] for one in pod.owner["spec"].get("volumeClaimTemplates", [])
    }
    mounted = {m["name"] for one in pod.containers for m in one.get("volumeMounts", [])}
    yield from (f"{pod.name} mounts no volume that is there: {one}" for one in mounted - volumes)
    yield from (f"{pod.name} mounts a volume nowhere: {one}" for one in volumes - mounted)
    for volume in pod.spec.get("volumes", []):
        if "configMap" in volume and not known.has("ConfigMap", volume["configMap"]["name"]):
            yield f"{pod.name}: there is no ConfigMap {volume['configMap']['name']}"
        if secret := volume.get("secret"):
            for key in [item["key"] for item in secret.get("items", [])] or [None]:
                yield from _of_secret(known, pod, secret["secretName"], key)
        claim = volume.get("persistentVolumeClaim", {}).get("claimName")
        if claim and not known.has("PersistentVolumeClaim", claim):
            yield f"{pod.name}: there is no PersistentVolumeClaim {claim}"
    for container in pod.containers:
        yield from _of_container(known, pod, container)
        image = container["image"].split(":")[0].split("@")[0]
        if "ticketing/" in image and image not in images:
            yield f"{pod.name}: nobody builds {image}"


def _of_secret(known: Objects, pod: Pod, name: str, key: str | None) -> Iterator[str]:
    if name not in known.secrets:
        yield f"{pod.name}: there is no Secret {name}"
    elif key is not None and key not in known.secrets[name]:
        yield f"{pod.name}: Secret {name} has no {key}"


def _of_container(known: Objects, pod: Pod, container: Object) -> Iterator[str]:
    for name in ("startupProbe", "readinessProbe", "livenessProbe"):
        probe = container.get(name, {})
        asked = probe.get("httpGet") or probe.get("tcpSocket")
        if asked and asked["port"] not in pod.ports:
            yield f"{pod.name}: {name} asks port {asked['port']}, on which nobody listens"
    for source in container.get("envFrom", []):
        if "configMapRef" in source and not known.has("ConfigMap", source["configMapRef"]["name"]):
            yield f"{pod.name}: there is no ConfigMap {source['configMapRef']['name']}"
        if "secretRef" in source:
            yield from _of_secret(known, pod, source["secretRef"]["name"], None)
    before = set(_from_elsewhere(known, container))
    for variable in container.get("env", []):
        found = variable.get("valueFrom", {})
        if (ref := found.get("secretKeyRef")) and not ref.get("optional"):
            yield from _of_secret(known, pod, ref["name"], ref["key"])
        if ref := found.get("configMapKeyRef"):
            data = (
                known.get("ConfigMap", ref["name"])["data"]
                if known.has("ConfigMap", ref["name"])
                else {}
            )
            if ref["key"] not in data:
                yield f"{pod.name}: ConfigMap {ref['name']} has no {ref['key']}"
        for name in _used(variable):
            if name not in before:
                yield f"{pod.name}: {variable['name']} names {name}, which is not known before it"
        before.add(variable["name"])


def _used(variable: Object) -> list[str]:
    return re.findall(r"\$\((\w+)\)", variable.get("value", ""))


def _from_elsewhere(known: Objects, container: Object) -> Iterator[str]:
    for source in container.get("envFrom", []):
        if "configMapRef" in source and known.has("ConfigMap", source["configMapRef"]["name"]):
            yield from known.get("ConfigMap", source["configMapRef"]["name"])["data"]
        if "secretRef" in source:
            yield from known.secrets.get(source["secretRef"]["name"], ())


def environment(known: Objects, container: Object) -> set[str]:
    """The variables that its process is told of, less those that only make up others."""
    own = container.get("env", [])
    parts = {name for variable in own for name in _used(variable)}
    return {*_from_elsewhere(known, container), *(one["name"] for one in own)} - parts


def _of_environments(known: Objects, settings: Mapping[str, Collection[str]]) -> Iterator[str]:
    for service, read in settings.items():
        name = f"{service}-depl"
        if not known.has("Deployment", name):
            yield f"There is no Deployment {name}"
            continue
        [container] = _pod(known.get("Deployment", name)).spec["containers"]
        told = environment(known, container)
        yield from (f"{name} is not told {one}" for one in sorted({*read} - told))
        yield from (f"{name} is told {one}, which nobody reads" for one in sorted(told - {*read}))


def _of_policies(known: Objects) -> Iterator[str]:
    for policy in known.of("NetworkPolicy"):
        name, spec = f"NetworkPolicy {policy['metadata']['name']}", policy["spec"]
        own = known.selected(spec["podSelector"])
        if not own and MADE_LATER not in spec["podSelector"].get("matchLabels", {}):
            yield f"{name} is about no pod"
        for direction, end in (("ingress", "from"), ("egress", "to")):
            for rule in spec.get(direction, []):
                pods = []
                for peer in rule.get(end, []):
                    labels = peer.get("namespaceSelector", {}).get("matchLabels", {})
                    yield from (f"{name}: who is {one}?" for one in {*labels} - OUTSIDE)
                    if "podSelector" in peer and "namespaceSelector" not in peer:
                        found = known.selected(peer["podSelector"])
                        if not found:
                            yield f"{name}: nobody is {peer['podSelector']}"
                        pods += found
                for port in rule.get("ports", []):
                    for listening in own if direction == "ingress" else pods:
                        if port["port"] not in listening.ports:
                            yield f"{name}: {listening.name} has no port {port['port']}"


ADDRESS = re.compile(r"([a-z0-9-]+-srv)(?::(\d+))?")


def connections(known: Objects) -> Iterator[tuple[Pod, str, int]]:
    """Who is told to talk to which Service, at which port: read off the variables' values."""
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


def _of_connections(known: Objects) -> Iterator[str]:
    for pod, service, number in connections(known):
        if not known.has("Service", service):
            yield f"{pod.name} is to talk to {service}, which is not there"
            continue
        spec = known.get("Service", service)["spec"]
        if spec.get("type") == "ExternalName":
            continue
        ports = [one for one in spec["ports"] if one["port"] == number]
        if not ports:
            yield f"{pod.name} is to talk to port {number} of {service}, which has none"
        for port in ports:
            for other in known.behind(service):
                at = other.ports.get(port["targetPort"], 0)
                if not _may(known, pod, other, at, "Egress"):
                    yield f"{pod.name} may not talk to {service}"
                if not _may(known, other, pod, at, "Ingress"):
                    yield f"{service} may not hear {pod.name}"


def _may(known: Objects, who: Pod, peer: Pod, number: int, direction: str) -> bool:
    """Whether some policy lets who's traffic with a peer pass; `number` is of who listens."""
    rules, end = direction.lower(), "to" if direction == "Egress" else "from"
    listening = peer if direction == "Egress" else who
    for policy in known.of("NetworkPolicy"):
        spec = policy["spec"]
        if direction not in spec["policyTypes"] or not who.is_selected(spec["podSelector"]):
            continue
        for rule in spec.get(rules, []):
            ports = [listening.ports.get(one["port"]) for one in rule.get("ports", [])]
            peers = [one["podSelector"] for one in rule.get(end, []) if "podSelector" in one]
            if (not ports or number in ports) and any(peer.is_selected(one) for one in peers):
                return True
    return False


def _of_the_bus(known: Objects) -> Iterator[str]:
    """The variables of NATS' configuration, which are words in a file to everybody else."""
    for pod in known.pods:
        for volume in pod.spec.get("volumes", []):
            name = volume.get("configMap", {}).get("name", "")
            if not name.startswith("nats-config") or not known.has("ConfigMap", name):
                continue
            [container] = pod.spec["containers"]
            told = {*_from_elsewhere(known, container)}
            told |= {one["name"] for one in container.get("env", [])}
            for file, text in known.get("ConfigMap", name)["data"].items():
                text = re.sub(r'"[^"]*"|#.*', "", text)
                for variable in sorted({*re.findall(r"\$(\w+)", text)} - told):
                    yield f"{pod.name}: {file} names {variable}, which is not told"


def restricted(pod: Pod) -> Iterator[str]:
    """What keeps a pod out where Pod Security is `restricted`, and what we want besides."""
    own: Any = pod.spec.get("securityContext", {})
    if not own.get("runAsNonRoot") or not own.get("runAsUser", 0) >= 10000:
        yield f"{pod.name} may run as root"
    if own.get("seccompProfile") != {"type": "RuntimeDefault"}:
        yield f"{pod.name} may call all of the kernel"
    if pod.spec.get("automountServiceAccountToken") is not False:
        yield f"{pod.name} has a token"
    for container in pod.containers:
        context, resources = container.get("securityContext", {}), container.get("resources", {})
        if context.get("allowPrivilegeEscalation") is not False:
            yield f"{pod.name} may get more rights"
        if context.get("capabilities") != {"drop": ["ALL"]}:
            yield f"{pod.name} has capabilities"
        if not context.get("readOnlyRootFilesystem"):
            yield f"{pod.name} may write to its root"
        for part in ("requests", "limits"):
            if {*resources.get(part, {})} != {"cpu", "memory"}:
                yield f"{pod.name} has no {part}"
