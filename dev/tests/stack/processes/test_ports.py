import subprocess
import sys

from ticketing_dev.stack.processes.ports import (
    CANDIDATES,
    claim,
    free_port,
    is_free,
    port_allocator,
)

CLAIM = """
import sys
from ticketing_dev.stack.processes.ports import claim
print(claim(int(sys.argv[1])))
"""


def claim_in_another_process(port: int) -> str:
    """Return the result of `claim` in another process."""
    return subprocess.check_output([sys.executable, "-c", CLAIM, str(port)], text=True).strip()


def test_free_port_returns_no_port_twice() -> None:
    ports = [free_port() for _ in range(50)]

    assert len(set(ports)) == 50
    assert all(port in CANDIDATES and is_free(port) for port in ports)


def test_claim_fails_in_another_process() -> None:
    assert claim_in_another_process(free_port()) == "False"


def test_claim_ends_with_its_process() -> None:
    # Not a candidate, which another test could claim between the two calls.
    port = CANDIDATES.stop

    assert claim_in_another_process(port) == "True"
    assert claim_in_another_process(port) == "True"


def test_port_allocator_prefers_previous_ports() -> None:
    previous = {"nats": free_port(), "mongo": free_port()}
    allocate = port_allocator(previous, reserved=previous["mongo"])

    assert allocate("nats") == previous["nats"]
    assert allocate("mongo") != previous["mongo"]
    assert claim(allocate("redis"))
