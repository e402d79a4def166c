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


def claim_elsewhere(port: int) -> str:
    """What another process is told that claims the port."""
    return subprocess.check_output([sys.executable, "-c", CLAIM, str(port)], text=True).strip()


def test_a_free_port_is_never_chosen_twice() -> None:
    ports = [free_port() for _ in range(50)]

    assert len(set(ports)) == 50
    assert all(port in CANDIDATES and is_free(port) for port in ports)


def test_a_port_that_one_process_has_chosen_is_no_other_processs() -> None:
    assert claim_elsewhere(free_port()) == "False"


def test_a_port_is_anybodys_again_when_the_process_that_chose_it_has_ended() -> None:
    # Not a candidate: another test could have it before we ask again.
    port = CANDIDATES.stop

    assert claim_elsewhere(port) == "True"
    assert claim_elsewhere(port) == "True"


def test_a_stack_has_the_ports_again_that_it_had_before() -> None:
    before = {"nats": free_port(), "mongo": free_port()}
    choose = port_allocator(before, reserved=before["mongo"])

    assert choose("nats") == before["nats"]
    assert choose("mongo") != before["mongo"]
    assert claim(choose("redis"))
