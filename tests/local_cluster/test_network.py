"""The network of a rehearsal: closed to the outside, and gone afterwards."""

import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from tests.local_cluster.network import SUBNET, Network, NoNamespaces, inside, network

from ticketing_dev.stack.processes import probes
from ticketing_dev.stack.processes.ports import free_port
from ticketing_dev.stack.processes.sendgrid_stand_in import sendgrid_stand_in
from ticketing_dev.stack.processes.spec import ProcessSpec
from ticketing_dev.stack.supervision.process import running

pytestmark = pytest.mark.xdist_group("rehearsal")


@pytest.fixture
def net() -> Iterator[Network]:
    try:
        with network() as made:
            yield made
    except NoNamespaces as why:
        pytest.skip(str(why))


@pytest.fixture
def outside(tmp_path: Path) -> Iterator[ProcessSpec]:
    """A server on this machine's own loopback."""
    spec = sendgrid_stand_in(free_port(), tmp_path)
    with running(spec):
        yield spec


def said_in(namespace: str, *command: str) -> str:
    command = ("ip", "netns", "exec", namespace, *command)
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_who_joined_reaches_the_others_and_nobody_outside(
    net: Network, outside: ProcessSpec
) -> None:
    one, other = net.join("one"), net.join("other")
    assert probes.is_listening(outside.port)
    for place in (one, other):
        assert not inside(place.namespace, partial(probes.is_listening, outside.port))
        routes = said_in(place.namespace, "ip", "route").splitlines()
        assert [route.split()[0] for route in routes] == [f"{SUBNET}.0/24"]
    net.know({"other-srv": other.address})
    assert f"{other.address} other-srv" in said_in(one.namespace, "cat", "/etc/hosts")


def test_nothing_is_left_of_it_even_where_a_rehearsal_failed(net: Network) -> None:
    prefix = f"{net.hub}-again"

    def fail() -> None:
        with network(prefix) as another:
            another.join("pod")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert list(Path("/run/netns").glob("rehearsal-*-again-*")) == []
    assert list(Path("/etc/netns").glob("rehearsal-*-again-*")) == []
