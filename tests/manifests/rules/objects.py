"""Rendered objects, by kind and name, and the pods of their workloads."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from ticketing_dev.tools.manifests import Object

WORKLOADS = ("Deployment", "StatefulSet", "CronJob")


@dataclass(frozen=True)
class Pod:
    """A pod of a workload."""

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
        """The port numbers, by name and by number."""
        found: dict[str | int, int] = {}
        for port in (port for one in self.containers for port in one.get("ports", [])):
            found[port["containerPort"]] = found[port.get("name", "")] = port["containerPort"]
        return found

    def is_selected(self, selector: Object) -> bool:
        """Return whether a `podSelector`, or any other selector, selects the pod."""
        if any(self.labels.get(k) != v for k, v in selector.get("matchLabels", {}).items()):
            return False
        return all(_matches(one, self.labels) for one in selector.get("matchExpressions", []))


def _matches(rule: Object, labels: Mapping[str, str]) -> bool:
    value = labels.get(rule["key"])
    match rule["operator"]:
        case "Exists":
            return value is not None
        case "In":
            return value in rule["values"]
        case _:
            raise ValueError(f"unknown operator {rule['operator']}")


class Objects:
    """A set of rendered objects."""

    def __init__(self, objects: Collection[Object], secrets: Mapping[str, Collection[str]]) -> None:
        """`secrets` has the keys of the Secrets that are not rendered, by name."""
        self._all = {(one["kind"], one["metadata"]["name"]): one for one in objects}
        self.secrets: dict[str, Collection[str]] = dict(secrets)
        for one in self.of("Secret"):
            keys = {**one.get("data", {}), **one.get("stringData", {})}
            self.secrets[one["metadata"]["name"]] = set(keys)
        self.pods = [pod_of(one) for kind in WORKLOADS for one in self.of(kind)]

    def of(self, *kinds: str) -> list[Object]:
        """Return the objects of these kinds."""
        return [one for (kind, _), one in self._all.items() if kind in kinds]

    def has(self, kind: str, name: str) -> bool:
        return (kind, name) in self._all

    def get(self, kind: str, name: str) -> Object:
        return self._all[kind, name]

    def selected(self, selector: Object) -> list[Pod]:
        """Return the pods that a selector selects."""
        return [pod for pod in self.pods if pod.is_selected(selector)]

    def behind(self, service: str) -> list[Pod]:
        """Return the pods of a Service."""
        labels = self.get("Service", service)["spec"].get("selector")
        return self.selected({"matchLabels": labels}) if labels else []


def pod_of(owner: Object) -> Pod:
    spec = owner["spec"]
    template = (spec["jobTemplate"]["spec"] if owner["kind"] == "CronJob" else spec)["template"]
    return Pod(owner, template["metadata"]["labels"], template["spec"])
