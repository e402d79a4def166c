"""The network of the local cluster: closed to the outside, and removed afterwards."""

import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from tests.local_cluster.network import SUBNET, Network, NoNamespaces, network, run_inside

from ticketing_dev.stack.processes import probes
from ticketing_dev.stack.processes.ports import free_port
from ticketing_dev.stack.processes.sendgrid_stand_in import sendgrid_stand_in
from ticketing_dev.stack.processes.spec import ProcessSpec
from ticketing_dev.stack.supervision.process import running

pytestmark = pytest.mark.xdist_group("local-cluster")


@pytest.fixture
def net() -> Iterator[Network]:
    try:
        with network() as created:
            yield created
    except NoNamespaces as error:
        pytest.skip(str(error))


@pytest.fixture
def outside(tmp_path: Path) -> Iterator[ProcessSpec]:
    """A server on this machine's loopback interface."""
    spec = sendgrid_stand_in(free_port(), tmp_path)
    with running(spec):
        yield spec


def output_in(namespace: str, *command: str) -> str:
    command = ("ip", "netns", "exec", namespace, *command)
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_network_connects_its_hosts_and_nothing_else(net: Network, outside: ProcessSpec) -> None:
    one, other = net.add_host("one"), net.add_host("other")
    assert probes.is_listening(outside.port)
    for host in (one, other):
        assert not run_inside(host.namespace, partial(probes.is_listening, outside.port))
        routes = output_in(host.namespace, "ip", "route").splitlines()
        assert [route.split()[0] for route in routes] == [f"{SUBNET}.0/24"]
    net.set_host_names({"other-srv": other.address})
    assert f"{other.address} other-srv" in output_in(one.namespace, "cat", "/etc/hosts")


def test_network_is_removed_after_a_failure(net: Network) -> None:
    prefix = f"{net.hub}-again"

    def fail() -> None:
        with network(prefix) as another:
            another.add_host("pod")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert list(Path("/run/netns").glob("local-cluster-*-again-*")) == []
    assert list(Path("/etc/netns").glob("local-cluster-*-again-*")) == []
