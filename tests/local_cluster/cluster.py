"""A cluster's pods as local processes, each in a network namespace, behind its Ingress."""

import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import yaml
from pymongo import MongoClient
from tests.local_cluster.images import STAND_INS_SET, brought_by, folder_at, is_mongo
from tests.local_cluster.manifests import Cluster, Pod, Probe
from tests.local_cluster.network import Network, Place, inside, network

from ticketing_dev.stack.processes import probes
from ticketing_dev.stack.processes.ingress import Ingress, ingress, render
from ticketing_dev.stack.processes.spec import ProcessSpec
from ticketing_dev.stack.supervision.process import Process
from ticketing_dev.tools.manifests import overlay

LAUNCHER = Path(__file__).with_name("pod.py")
INGRESS_SERVICE = "ingress-srv"


@dataclass(frozen=True)
class Stage:
    """The cluster, running."""

    pods: Mapping[str, Pod]
    addresses: Mapping[str, str]
    processes: Mapping[str, Process]
    hub: str
    """The namespace from which all others are reached, as kubelet and the ingress do."""
    url: str

    def asks(self, pod: str, probe: Probe) -> bool:
        """Whether a pod answers a probe as it should."""
        return inside(self.hub, partial(_answers, self.addresses[pod], probe))


@contextmanager
def rehearsal(data: Path) -> Iterator[Stage]:
    """The dev overlay's pods, ready, behind its Ingress. Raises NoNamespaces."""
    with network() as net, ExitStack() as running:
        cluster = Cluster(overlay("k8s-dev"))
        stores, served = list(cluster.pods("StatefulSet")), list(cluster.pods("Deployment"))
        pods = [*stores, *served]
        places = {pod.name: net.join(pod.name) for pod in pods}
        behind = cluster.behind(pods)
        names = {name: places[pod.name].address for name, pod in behind.items()}
        net.know(names | {INGRESS_SERVICE: net.hub_address})
        processes = {
            pod.name: Process(
                _pod_process(pod, places[pod.name], net.hub, data / pod.name, cluster)
            )
            for pod in pods
        }
        processes["ingress"] = Process(_ingress(cluster, net, behind, data / "ingress"))
        for process in processes.values():
            running.callback(process.stop)
        # Stores first, as those who need them would end, and wait to be started again.
        for some in (stores, served):
            for pod in some:
                processes[pod.name].launch()
            for pod in some:
                processes[pod.name].wait_until_ready()
        processes["ingress"].start()
        yield Stage(
            {pod.name: pod for pod in pods},
            {name: place.address for name, place in places.items()},
            processes,
            net.hub,
            f"http://{net.hub_address}",
        )


def _pod_process(pod: Pod, place: Place, hub: str, data: Path, cluster: Cluster) -> ProcessSpec:
    data.mkdir(parents=True)
    brought = brought_by(pod, data)
    env = {**brought.env, **pod.env}
    if "MONGO_URI" in env:
        env["MONGO_URI"] = env["MONGO_URI"].replace("replicaSet=rs0", f"replicaSet={STAND_INS_SET}")
    plan = {
        "root": str(folder_at(data / "root")),
        "binds": [[str(source), path] for source, path in brought.binds],
        "scratch": [],
        "folder": brought.folder,
        "user": pod.user,
        "group": pod.group,
        "env": env,
        "command": brought.command,
    }
    _mount(pod, data, cluster, plan)
    launcher = [sys.executable, "-I", str(LAUNCHER), str(data / "plan.json")]
    asked = [pod.probes[kind] for kind in ("startup", "readiness") if kind in pod.probes]
    make_user = partial(_make_user, place.address, cluster, pod)
    return ProcessSpec(
        name=pod.name,
        command=("ip", "netns", "exec", place.namespace, *launcher),
        files={"plan.json": json.dumps(plan)},
        # Nobody has to choose one: a pod has all of them.
        port=0,
        data=data,
        is_ready=lambda: inside(hub, lambda: all(_answers(place.address, one) for one in asked)),
        initialize=partial(inside, hub, make_user) if is_mongo(pod) else None,
        stop_timeout=20.0,
    )


def _mount(pod: Pod, data: Path, cluster: Cluster, plan: dict[str, Any]) -> None:
    """The pod's volumes, as its user finds them."""
    for number, (path, volume) in enumerate(pod.mounts.items()):
        match volume:
            case {"emptyDir": options}:
                size = options.get("sizeLimit", "64Mi").removesuffix("i").lower()
                plan["scratch"].append([path, size])
                continue
            case {"persistentVolumeClaim": _}:
                folder = folder_at(data / f"volume{number}")
                os.chown(folder, pod.user, pod.group)
            case {"configMap": {"name": name}}:
                folder = _filled(data / f"volume{number}", cluster.data("ConfigMap", name))
            case {"secret": {"secretName": name}}:
                folder = _filled(data / f"volume{number}", cluster.data("Secret", name))
            case _:
                raise ValueError(f"{pod.name}: what is {volume}?")
        plan["binds"].append([str(folder), path])


def _filled(folder: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        (folder_at(folder) / name).write_text(text)
    return folder


def _answers(address: str, probe: Probe) -> bool:
    if probe.path is None:
        return probes.is_listening(probe.port, address)
    return probes.returns_200(probe.port, probe.path, address)


def _make_user(address: str, cluster: Cluster, pod: Pod) -> None:
    """The one user that the service's address names; mongod's come from its own script."""
    service = pod.labels["mongo"]
    password = cluster.data("Secret", f"{service}-mongo")["PASSWORD"]
    with MongoClient[dict[str, Any]](address, 27017, directConnection=True) as mongo:
        mongo[service].command("createUser", service, pwd=password, roles=["readWrite"])


def _ingress(cluster: Cluster, net: Network, behind: Mapping[str, Pod], data: Path) -> ProcessSpec:
    [manifest] = cluster.of_kind("Ingress").values()
    file = folder_at(data) / "ingress.yaml"
    file.write_text(yaml.safe_dump(manifest))
    routes = Ingress.from_manifest(file)
    backends = {route.backend for route in routes.routes} & behind.keys()
    addresses = {name: [f"{name}:3000"] for name in backends}
    spec = ingress(80, data, file, addresses)
    return replace(
        spec,
        command=("ip", "netns", "exec", net.hub, *spec.command),
        files=render(routes, "0.0.0.0:80", addresses),
        port=0,
        is_ready=lambda: inside(net.hub, partial(probes.is_listening, 80)),
    )
