"""Network namespaces on a switch of their own: they reach one another and nobody else."""

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
    """This machine, or who we are on it, cannot have any; says why."""


@dataclass(frozen=True)
class Place:
    """Where somebody is."""

    namespace: str
    address: str


class Network:
    """The switch, in the namespace `hub`, and whoever joined it."""

    def __init__(self, prefix: str, undoing: ExitStack) -> None:
        """`undoing` takes all of it away again."""
        self._prefix = prefix
        self._undoing = undoing
        self._hosts = itertools.count(2)
        self.hub = self._namespace("hub")
        self.hub_address = f"{SUBNET}.1"
        ip("-n", self.hub, "link", "add", "switch", "type", "bridge")
        ip("-n", self.hub, "addr", "add", f"{self.hub_address}/24", "dev", "switch")
        ip("-n", self.hub, "link", "set", "switch", "up")

    def join(self, name: str) -> Place:
        """A namespace more."""
        namespace, number = self._namespace(name), next(self._hosts)
        port, address = f"port{number}", f"{SUBNET}.{number}"
        pair = ["name", "eth0", "netns", namespace, "type", "veth", "peer", "name", port]
        ip("link", "add", *pair, "netns", self.hub)
        ip("-n", self.hub, "link", "set", port, "master", "switch", "up")
        ip("-n", namespace, "addr", "add", f"{address}/24", "dev", "eth0")
        ip("-n", namespace, "link", "set", "eth0", "up")
        return Place(namespace, address)

    def know(self, addresses: Mapping[str, str]) -> None:
        """Have everybody know these names: `ip netns exec` shows the file as /etc/hosts."""
        lines = ["127.0.0.1 localhost", *(f"{at} {name}" for name, at in addresses.items())]
        for namespace in Path("/etc/netns").glob(f"{self._prefix}-*"):
            (namespace / "hosts").write_text("\n".join(lines) + "\n")

    def _namespace(self, name: str) -> str:
        called = f"{self._prefix}-{name}"
        files = Path("/etc/netns") / called
        ip("netns", "add", called)
        self._undoing.callback(ip, "netns", "delete", called)
        files.mkdir(parents=True)
        self._undoing.callback(shutil.rmtree, files)
        ip("-n", called, "link", "set", "lo", "up")
        return called


@contextmanager
def network(prefix: str = f"rehearsal-{os.getpid()}") -> Iterator[Network]:
    """A network that is gone after the block; all its namespaces are called `prefix`-something.

    Raises NoNamespaces.
    """
    if os.geteuid() != 0:
        raise NoNamespaces("only root can make network namespaces")
    if shutil.which("ip") is None:
        raise NoNamespaces("there is no `ip` (iproute2) here")
    with ExitStack() as undoing:
        try:
            made = Network(prefix, undoing)
        except subprocess.CalledProcessError as error:
            raise NoNamespaces(error.stderr.strip()) from error
        yield made


def inside(namespace: str, ask: Callable[[], T]) -> T:
    """What `ask` gives in a thread whose sockets are the namespace's."""

    def there() -> T:
        with Path("/run/netns", namespace).open() as file:
            if ctypes.CDLL(None, use_errno=True).setns(file.fileno(), CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), f"cannot enter {namespace}")
        return ask()

    with ThreadPoolExecutor(max_workers=1) as thread:
        return thread.submit(there).result()


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True, text=True)
