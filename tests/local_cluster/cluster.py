"""The pods of a cluster as local processes, each in a network namespace, behind the Ingress."""

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
from tests.local_cluster.images import create_folder, image_content, is_mongo
from tests.local_cluster.manifests import Cluster, Pod, Probe
from tests.local_cluster.network import Host, Network, network, run_inside

from ticketing_dev.stack.processes import probes, servers
from ticketing_dev.stack.processes.ingress import Ingress, ingress, render
from ticketing_dev.stack.processes.spec import ProcessSpec
from ticketing_dev.stack.supervision.process import Process
from ticketing_dev.tools.manifests import overlay

LAUNCHER = Path(__file__).with_name("pod.py")


@dataclass(frozen=True)
class RunningCluster:
    """The running cluster."""

    pods: Mapping[str, Pod]
    addresses: Mapping[str, str]
    processes: Mapping[str, Process]
    hub: str
    """The namespace that reaches all others, like kubelet and the ingress."""
    url: str

    def passes(self, pod: str, probe: Probe) -> bool:
        """Return whether a pod passes a probe."""
        return run_inside(self.hub, partial(_passes, self.addresses[pod], probe))


@contextmanager
def running_cluster(data: Path) -> Iterator[RunningCluster]:
    """Run the pods of the dev overlay, behind its Ingress, for the block. Raises: NoNamespaces."""
    with network() as net, ExitStack() as running:
        cluster = Cluster(overlay("k8s-dev"))
        stores, services = list(cluster.pods("StatefulSet")), list(cluster.pods("Deployment"))
        pods = [*stores, *services]
        hosts = {pod.name: net.add_host(pod.name) for pod in pods}
        behind = cluster.behind(pods)
        names = {name: hosts[pod.name].address for name, pod in behind.items()}
        net.set_host_names(names)
        processes = {
            pod.name: Process(_pod_process(pod, hosts[pod.name], net.hub, data / pod.name, cluster))
            for pod in pods
        }
        processes["ingress"] = Process(_ingress(cluster, net, behind, data / "ingress"))
        for process in processes.values():
            running.callback(process.stop)
        # Stores first, because the services exit without them.
        for group in (stores, services):
            for pod in group:
                processes[pod.name].launch()
            for pod in group:
                processes[pod.name].wait_until_ready()
        processes["ingress"].start()
        yield RunningCluster(
            {pod.name: pod for pod in pods},
            {name: host.address for name, host in hosts.items()},
            processes,
            net.hub,
            f"http://{net.hub_address}",
        )


def _pod_process(pod: Pod, host: Host, hub: str, data: Path, cluster: Cluster) -> ProcessSpec:
    data.mkdir(parents=True)
    content = image_content(pod, data)
    env = {**content.env, **pod.env}
    if "MONGO_URI" in env:
        env["MONGO_URI"] = env["MONGO_URI"].replace(
            "replicaSet=rs0", f"replicaSet={servers.EMBEDDED_REPLICA_SET}"
        )
    plan = {
        "root": str(create_folder(data / "root")),
        "binds": [[str(source), path] for source, path in content.binds],
        "scratch": [],
        "folder": content.folder,
        "user": pod.user,
        "group": pod.group,
        "env": env,
        "command": content.command,
    }
    _mount(pod, data, cluster, plan)
    launcher = [sys.executable, "-I", str(LAUNCHER), str(data / "plan.json")]
    probed = [pod.probes[kind] for kind in ("startup", "readiness") if kind in pod.probes]
    create_user = partial(_create_user, host.address, cluster, pod)
    return ProcessSpec(
        name=pod.name,
        command=("ip", "netns", "exec", host.namespace, *launcher),
        files={"plan.json": json.dumps(plan)},
        # A pod has all ports for itself.
        port=0,
        data=data,
        is_ready=lambda: run_inside(
            hub, lambda: all(_passes(host.address, probe) for probe in probed)
        ),
        initialize=partial(run_inside, hub, create_user) if is_mongo(pod) else None,
        stop_timeout=20.0,
    )


def _mount(pod: Pod, data: Path, cluster: Cluster, plan: dict[str, Any]) -> None:
    """Add the pod's volumes to the plan."""
    for number, (path, volume) in enumerate(pod.mounts.items()):
        match volume:
            case {"emptyDir": options}:
                size = options.get("sizeLimit", "64Mi").removesuffix("i").lower()
                plan["scratch"].append([path, size])
                continue
            case {"persistentVolumeClaim": _}:
                folder = create_folder(data / f"volume{number}")
                os.chown(folder, pod.user, pod.group)
            case {"configMap": {"name": name}}:
                folder = _write_files(data / f"volume{number}", cluster.data("ConfigMap", name))
            case {"secret": {"secretName": name}}:
                folder = _write_files(data / f"volume{number}", cluster.data("Secret", name))
            case _:
                raise ValueError(f"{pod.name}: unknown volume {volume}")
        plan["binds"].append([str(folder), path])


def _write_files(folder: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        (create_folder(folder) / name).write_text(text)
    return folder


def _passes(address: str, probe: Probe) -> bool:
    if probe.path is None:
        return probes.is_listening(probe.port, address)
    return probes.returns_200(probe.port, probe.path, address)


def _create_user(address: str, cluster: Cluster, pod: Pod) -> None:
    """Create the user of the service's URI. In a cluster a script of mongod does it."""
    service = pod.labels["mongo"]
    password = cluster.data("Secret", f"{service}-mongo")["PASSWORD"]
    with MongoClient[dict[str, Any]](address, 27017, directConnection=True) as mongo:
        mongo[service].command("createUser", service, pwd=password, roles=["readWrite"])


def _ingress(cluster: Cluster, net: Network, behind: Mapping[str, Pod], data: Path) -> ProcessSpec:
    [manifest] = cluster.of_kind("Ingress").values()
    file = create_folder(data) / "ingress.yaml"
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
        is_ready=lambda: run_inside(net.hub, partial(probes.is_listening, 80)),
    )
