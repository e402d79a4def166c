"""References between rendered objects, which linters of manifests do not check."""

import re
from collections.abc import Collection, Iterator, Mapping

from tests.manifests.rules.network_policies import connection_faults, policy_faults
from tests.manifests.rules.objects import Objects, Pod, pod_of

from ticketing_dev.tools.manifests import Object

NO_BACKEND = "no-backend-srv"
"""The Service of hidden paths. It has no pods."""


def faults(
    objects: Collection[Object],
    secrets: Mapping[str, Collection[str]],
    settings: Mapping[str, Collection[str]],
    images: Collection[str],
) -> list[str]:
    """Return the faults of a set of rendered objects.

    `secrets` has the keys of the Secrets that are not rendered, `settings` the variables that each
    service reads, and `images` the names of the project's images.
    """
    known = Objects(objects, secrets)
    return [
        *_service_faults(known),
        *_route_faults(known),
        *_selector_faults(known),
        *_target_faults(known),
        *(fault for pod in known.pods for fault in _pod_faults(known, pod, images)),
        *_environment_faults(known, settings),
        *policy_faults(known),
        *connection_faults(known),
        *_nats_faults(known),
    ]


def _service_faults(known: Objects) -> Iterator[str]:
    for service in known.of("Service"):
        name, spec = service["metadata"]["name"], service["spec"]
        if spec.get("type") == "ExternalName" or name == NO_BACKEND:
            continue
        pods = known.selected({"matchLabels": spec.get("selector") or {"": ""}})
        if not pods:
            yield f"Service {name} selects no pod"
        for pod in pods:
            for port in spec["ports"]:
                if port.get("targetPort", port["port"]) not in pod.ports:
                    yield f"Service {name}: {pod.name} has no port {port['targetPort']}"


def _route_faults(known: Objects) -> Iterator[str]:
    targets: list[tuple[str, str, int]] = []
    for one in known.of("Ingress"):
        for path in (path for rule in one["spec"]["rules"] for path in rule["http"]["paths"]):
            backend = path["backend"]["service"]
            targets.append((f"Ingress {path['path']}", backend["name"], backend["port"]["number"]))
    for one in known.of("HTTPRoute"):
        for parent in one["spec"]["parentRefs"]:
            if not known.has("Gateway", parent["name"]):
                yield f"HTTPRoute: there is no Gateway {parent['name']}"
        for rule in one["spec"]["rules"]:
            where = rule["matches"][0]["path"]["value"]
            targets += [
                (f"HTTPRoute {where}", b["name"], b["port"]) for b in rule.get("backendRefs", [])
            ]
    for source, service, number in targets:
        if not known.has("Service", service):
            yield f"{source}: there is no Service {service}"
        elif number not in [one["port"] for one in known.get("Service", service)["spec"]["ports"]]:
            yield f"{source}: Service {service} has no port {number}"


def _selector_faults(known: Objects) -> Iterator[str]:
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


def _target_faults(known: Objects) -> Iterator[str]:
    for one in known.of("HorizontalPodAutoscaler", "ScaledObject"):
        target = one["spec"]["scaleTargetRef"]
        kind = target.get("kind", "Deployment")
        if not known.has(kind, target["name"]):
            yield f"{one['kind']}: there is no {kind} {target['name']}"
        if one["kind"] == "ScaledObject" and known.has("HorizontalPodAutoscaler", target["name"]):
            yield f"{target['name']} has two autoscalers"
    for one in known.of("StatefulSet"):
        name = one["spec"]["serviceName"]
        if not known.has("Service", name):
            yield f"StatefulSet {one['metadata']['name']}: there is no Service {name}"
        elif known.get("Service", name)["spec"].get("clusterIP") != "None":
            yield f"StatefulSet {one['metadata']['name']}: Service {name} gives its pods no names"


def _pod_faults(known: Objects, pod: Pod, images: Collection[str]) -> Iterator[str]:
    for container in pod.containers:
        secret = {
            one["name"]
            for one in container.get("env", [])
            if "secretKeyRef" in one.get("valueFrom", {})
        }
        arguments = [*container.get("command", []), *container.get("args", [])]
        for name in sorted(secret & {*re.findall(r"\$\((\w+)\)", " ".join(arguments))}):
            yield f"{pod.name} has the secret {name} in its arguments"
    for spread in pod.spec.get("topologySpreadConstraints", []):
        selector = spread["labelSelector"]
        keys = {*selector.get("matchLabels", {})}
        keys |= {one["key"] for one in selector.get("matchExpressions", [])}
        # Schemas accept it, and the server refuses the object.
        for key in keys & {*spread.get("matchLabelKeys", [])}:
            yield f"{pod.name} has {key} in labelSelector and in matchLabelKeys"
    account = pod.spec.get("serviceAccountName")
    if account and not known.has("ServiceAccount", account):
        yield f"{pod.name}: there is no ServiceAccount {account}"
    volumes = {one["name"] for one in pod.spec.get("volumes", [])}
    volumes |= {
        one["metadata"]["name"] for one in pod.owner["spec"].get("volumeClaimTemplates", [])
    }
    mounted = {m["name"] for one in pod.containers for m in one.get("volumeMounts", [])}
    yield from (f"{pod.name} mounts the unknown volume {one}" for one in mounted - volumes)
    yield from (f"{pod.name} does not mount the volume {one}" for one in volumes - mounted)
    for volume in pod.spec.get("volumes", []):
        config = volume.get("configMap", {"optional": True})
        if not config.get("optional") and not known.has("ConfigMap", config["name"]):
            yield f"{pod.name}: there is no ConfigMap {volume['configMap']['name']}"
        if secret := volume.get("secret"):
            for key in [item["key"] for item in secret.get("items", [])] or [None]:
                yield from _secret_faults(known, pod, secret["secretName"], key)
        claim = volume.get("persistentVolumeClaim", {}).get("claimName")
        if claim and not known.has("PersistentVolumeClaim", claim):
            yield f"{pod.name}: there is no PersistentVolumeClaim {claim}"
    for container in pod.containers:
        yield from _container_faults(known, pod, container)
        image = container["image"].split(":")[0].split("@")[0]
        if "ticketing/" in image and image not in images:
            yield f"{pod.name}: unknown image {image}"


def _secret_faults(known: Objects, pod: Pod, name: str, key: str | None) -> Iterator[str]:
    if name not in known.secrets:
        yield f"{pod.name}: there is no Secret {name}"
    elif key is not None and key not in known.secrets[name]:
        yield f"{pod.name}: Secret {name} has no {key}"


def _container_faults(known: Objects, pod: Pod, container: Object) -> Iterator[str]:
    for name in ("startupProbe", "readinessProbe", "livenessProbe"):
        probe = container.get(name, {})
        check = probe.get("httpGet") or probe.get("tcpSocket")
        if check and check["port"] not in pod.ports:
            yield f"{pod.name}: {name} uses port {check['port']}, which is not open"
    for source in container.get("envFrom", []):
        if "configMapRef" in source and not known.has("ConfigMap", source["configMapRef"]["name"]):
            yield f"{pod.name}: there is no ConfigMap {source['configMapRef']['name']}"
        if "secretRef" in source:
            yield from _secret_faults(known, pod, source["secretRef"]["name"], None)
    before = set(_imported_variables(known, container))
    for variable in container.get("env", []):
        found = variable.get("valueFrom", {})
        if (ref := found.get("secretKeyRef")) and not ref.get("optional"):
            yield from _secret_faults(known, pod, ref["name"], ref["key"])
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
                yield f"{pod.name}: {variable['name']} uses {name}, which is not defined before it"
        before.add(variable["name"])


def _used(variable: Object) -> list[str]:
    return re.findall(r"\$\((\w+)\)", variable.get("value", ""))


def _imported_variables(known: Objects, container: Object) -> Iterator[str]:
    for source in container.get("envFrom", []):
        if "configMapRef" in source and known.has("ConfigMap", source["configMapRef"]["name"]):
            yield from known.get("ConfigMap", source["configMapRef"]["name"])["data"]
        if "secretRef" in source:
            yield from known.secrets.get(source["secretRef"]["name"], ())


def environment(known: Objects, container: Object) -> set[str]:
    """Return the variables of a process, without those that only compose others."""
    own = container.get("env", [])
    components = {name for variable in own for name in _used(variable)}
    return {*_imported_variables(known, container), *(one["name"] for one in own)} - components


def _environment_faults(known: Objects, settings: Mapping[str, Collection[str]]) -> Iterator[str]:
    for service, read in settings.items():
        name = f"{service}-depl"
        if not known.has("Deployment", name):
            yield f"There is no Deployment {name}"
            continue
        [container] = pod_of(known.get("Deployment", name)).spec["containers"]
        variables = environment(known, container)
        yield from (f"{name} lacks {one}" for one in sorted({*read} - variables))
        yield from (
            f"{name} has {one}, which it does not read" for one in sorted(variables - {*read})
        )


def _nats_faults(known: Objects) -> Iterator[str]:
    """Yield the variables in NATS' configuration that its container does not have."""
    for pod in known.pods:
        for volume in pod.spec.get("volumes", []):
            name = volume.get("configMap", {}).get("name", "")
            if not name.startswith("nats-config") or not known.has("ConfigMap", name):
                continue
            [container] = pod.spec["containers"]
            variables = {*_imported_variables(known, container)}
            variables |= {one["name"] for one in container.get("env", [])}
            for file, text in known.get("ConfigMap", name)["data"].items():
                text = re.sub(r'"[^"]*"|#.*', "", text)
                for variable in sorted({*re.findall(r"\$(\w+)", text)} - variables):
                    yield f"{pod.name}: {file} uses {variable}, which is not set"
