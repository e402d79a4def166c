"""Network namespaces on a switch of their own: they reach each other and nothing else."""

import ctypes
import itertools
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

CLONE_NEWNET = 0x40000000
SUBNET = "10.77.0"

T = TypeVar("T")


class NoNamespaces(Exception):
    """This machine or user cannot create network namespaces."""


@dataclass(frozen=True)
class Host:
    """A namespace and its address."""

    namespace: str
    address: str


class Network:
    """The switch, in the namespace `hub`, and the namespaces that are connected to it."""

    def __init__(self, prefix: str, undoing: ExitStack) -> None:
        """`undoing` removes everything."""
        self._prefix = prefix
        self._undoing = undoing
        self._hosts = itertools.count(2)
        self.hub = self._namespace("hub")
        self.hub_address = f"{SUBNET}.1"
        ip("-n", self.hub, "link", "add", "switch", "type", "bridge")
        ip("-n", self.hub, "addr", "add", f"{self.hub_address}/24", "dev", "switch")
        ip("-n", self.hub, "link", "set", "switch", "up")

    def add_host(self, name: str) -> Host:
        """Add a namespace."""
        namespace, number = self._namespace(name), next(self._hosts)
        port, address = f"port{number}", f"{SUBNET}.{number}"
        pair = ["name", "eth0", "netns", namespace, "type", "veth", "peer", "name", port]
        ip("link", "add", *pair, "netns", self.hub)
        ip("-n", self.hub, "link", "set", port, "master", "switch", "up")
        ip("-n", namespace, "addr", "add", f"{address}/24", "dev", "eth0")
        ip("-n", namespace, "link", "set", "eth0", "up")
        return Host(namespace, address)

    def set_host_names(self, addresses: Mapping[str, str]) -> None:
        """Set the host names: `ip netns exec` mounts this file as /etc/hosts."""
        lines = [
            "127.0.0.1 localhost",
            *(f"{address} {name}" for name, address in addresses.items()),
        ]
        for namespace in Path("/etc/netns").glob(f"{self._prefix}-*"):
            (namespace / "hosts").write_text("\n".join(lines) + "\n")

    def _namespace(self, name: str) -> str:
        full_name = f"{self._prefix}-{name}"
        files = Path("/etc/netns") / full_name
        ip("netns", "add", full_name)
        self._undoing.callback(ip, "netns", "delete", full_name)
        files.mkdir(parents=True)
        self._undoing.callback(shutil.rmtree, files)
        ip("-n", full_name, "link", "set", "lo", "up")
        return full_name


@contextmanager
def network(prefix: str = f"local-cluster-{os.getpid()}") -> Iterator[Network]:
    """Provide a network for the block. The names of its namespaces begin with `prefix`.

    Raises: NoNamespaces.
    """
    if os.geteuid() != 0:
        raise NoNamespaces("only root can create network namespaces")
    if shutil.which("ip") is None:
        raise NoNamespaces("there is no `ip` (iproute2) here")
    with ExitStack() as undoing:
        try:
            created = Network(prefix, undoing)
        except subprocess.CalledProcessError as error:
            raise NoNamespaces(error.stderr.strip()) from error
        yield created


def run_inside(namespace: str, function: Callable[[], T]) -> T:
    """Run a function in a thread whose sockets belong to the namespace. Returns its result."""

    def run() -> T:
        with Path("/run/netns", namespace).open() as file:
            if ctypes.CDLL(None, use_errno=True).setns(file.fileno(), CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), f"cannot enter {namespace}")
        return function()

    with ThreadPoolExecutor(max_workers=1) as thread:
        return thread.submit(run).result()


def ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True, text=True)
