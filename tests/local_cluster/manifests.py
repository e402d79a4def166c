"""The pods of a cluster, read from its rendered objects as Kubernetes reads them."""

import base64
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ticketing_dev.tools.manifests import Object


@dataclass(frozen=True)
class Probe:
    """A probe of kubelet."""

    port: int
    path: str | None
    """None for a probe of the port alone."""


@dataclass(frozen=True)
class Pod:
    """One pod of a Deployment or a StatefulSet, and its only container."""

    name: str
    labels: Mapping[str, str]
    image: str
    env: Mapping[str, str]
    command: list[str]
    """The command, if it replaces that of the image."""
    arguments: list[str]
    user: int
    group: int
    ports: Mapping[str, int]
    probes: Mapping[str, Probe]
    """By kind, without those that run a program."""
    mounts: Mapping[str, Object]
    """By path, the volume in the pod's spec."""


class Cluster:
    """The objects of one namespace."""

    def __init__(self, objects: list[Object]) -> None:
        self._objects = {(one["kind"], one["metadata"]["name"]): one for one in objects}

    def of_kind(self, kind: str) -> dict[str, Object]:
        """Return the objects of a kind by name."""
        return {name: one for (each, name), one in self._objects.items() if each == kind}

    def pods(self, kind: str) -> Iterator[Pod]:
        """Yield a pod of each workload of a kind."""
        for workload in self.of_kind(kind).values():
            yield self._pod(workload)

    def data(self, kind: str, name: str) -> dict[str, str]:
        """Return the data of a ConfigMap or a Secret. Raises: KeyError."""
        data: dict[str, str] = self._objects[kind, name]["data"]
        if kind == "ConfigMap":
            return data
        return {key: base64.b64decode(value).decode() for key, value in data.items()}

    def behind(self, pods: list[Pod]) -> dict[str, Pod]:
        """Return the pod behind each Service that has one, and check that the ports match."""
        found = {}
        for name, service in self.of_kind("Service").items():
            selector = service["spec"].get("selector")
            for pod in pods:
                if selector and selector.items() <= pod.labels.items():
                    for port in service["spec"]["ports"]:
                        assert pod.ports[port["targetPort"]] == port["port"], (name, port)
                    found[name] = pod
        return found

    def _pod(self, workload: Object) -> Pod:
        template = workload["spec"]["template"]
        spec, stateful = template["spec"], workload["kind"] == "StatefulSet"
        [container] = spec["containers"]
        name = workload["metadata"]["name"] + ("-0" if stateful else "")
        env = dict(self._environment(container, name))
        ports = {port["name"]: port["containerPort"] for port in container["ports"]}
        claims = workload["spec"].get("volumeClaimTemplates", [])
        volumes = {volume["name"]: volume for volume in spec.get("volumes", [])}
        volumes |= {claim["metadata"]["name"]: {"persistentVolumeClaim": {}} for claim in claims}
        context = spec["securityContext"] | container.get("securityContext", {})
        assert context["readOnlyRootFilesystem"]
        return Pod(
            name=name,
            labels=template["metadata"]["labels"],
            image=container["image"],
            env=env,
            command=[_expand(word, env) for word in container.get("command", [])],
            arguments=[_expand(word, env) for word in container.get("args", [])],
            user=context["runAsUser"],
            group=context["runAsGroup"],
            ports=ports,
            probes=dict(_probes(container, ports)),
            mounts={one["mountPath"]: volumes[one["name"]] for one in container["volumeMounts"]},
        )

    def _environment(self, container: Object, pod: str) -> Iterator[tuple[str, str]]:
        known: dict[str, str] = {}
        for source in container.get("envFrom", []):
            [(kind, named)] = source.items()
            known |= self.data(_kind_of(kind), named["name"])
        for variable in container.get("env", []):
            match variable:
                case {"name": name, "value": value}:
                    known[name] = _expand(value, known)
                case {"name": name, "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}:
                    known[name] = pod
                case {"name": name, "valueFrom": reference}:
                    [(kind, key)] = reference.items()
                    data = self.data(_kind_of(kind), key["name"])
                    if key["key"] in data or not key.get("optional"):
                        known[name] = data[key["key"]]
        yield from known.items()


def _kind_of(reference: str) -> str:
    return "ConfigMap" if reference.startswith("configMap") else "Secret"


def _expand(text: str, env: Mapping[str, str]) -> str:
    return re.sub(r"\$\((\w+)\)", lambda name: env.get(name[1], name[0]), text)


def _probes(container: Object, ports: Mapping[str, int]) -> Iterator[tuple[str, Probe]]:
    for kind in ("startup", "readiness", "liveness"):
        probe: dict[str, Any] = container[f"{kind}Probe"]
        if check := probe.get("httpGet") or probe.get("tcpSocket"):
            yield kind, Probe(ports[check["port"]], check.get("path"))
