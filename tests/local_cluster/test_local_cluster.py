"""What a cluster would start is started here, pod by pod, and somebody buys a ticket from it.

The dev overlay as kustomize renders it: its images' commands and its own, its variables, users,
ports and volumes, each pod on a read-only root in a network namespace, Services as names, the
Ingress as nginx. Not as there: one stand-in for a MongoDB has no users to refuse, and is called
another set; pods are one a workload; network policies and limits are nobody's.
"""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.local_cluster.cluster import Stage, rehearsal
from tests.local_cluster.network import NoNamespaces, inside
from tests.manifests.project import DEPLOYED
from tests.system.stack import Market

from ticketing_dev.tools.manifests import KUBECTL

pytestmark = [
    pytest.mark.skipif("TICKETING_MANIFESTS" not in os.environ, reason="`make test-manifests`"),
    pytest.mark.xdist_group("rehearsal"),
    pytest.mark.timeout(600),
]


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    if not KUBECTL.exists():
        pytest.skip("`make kubectl` installs what renders the overlay")
    try:
        with rehearsal(tmp_path_factory.mktemp("rehearsal")) as started:
            yield started
    except NoNamespaces as why:
        pytest.skip(str(why))


def test_every_pod_answers_each_of_its_probes(stage: Stage) -> None:
    asked = {
        (name, kind): stage.asks(name, probe)
        for name, pod in stage.pods.items()
        for kind, probe in pod.probes.items()
    }
    assert [what for what, answered in asked.items() if not answered] == []
    assert {f"{name}-depl" for name in DEPLOYED} <= {name for name, _ in asked}


def test_every_process_is_whom_its_pod_says(stage: Stage) -> None:
    for name, pod in stage.pods.items():
        status = Path(f"/proc/{stage.processes[name].pid}/status").read_text().splitlines()
        said = dict(line.split(":\t", 1) for line in status if ":\t" in line)
        assert said["Uid"].split() == [str(pod.user)] * 4
        assert said["Gid"].split() == [str(pod.group)] * 4
        assert int(said["CapEff"], 16) == int(said["CapPrm"], 16) == 0
        assert said["NoNewPrivs"] == "1"


def test_somebody_buys_a_ticket_through_the_ingress(stage: Stage, tmp_path: Path) -> None:
    async def purchase() -> None:
        market = Market(stage.url, tmp_path)
        async with market.browsers:
            seller, buyer = await market.somebody(), await market.somebody()
            ticket = await seller.offer("Kraftwerk, row 5", 49.5)
            order = await buyer.order(ticket)
            declined = await buyer.pay(order, "tok_chargeDeclined")
            assert declined.status_code == 402, declined.text
            paid = await buyer.pay(order)
            assert paid.status_code == 201, paid.text
            await buyer.sees_order(order, status="complete")
            await seller.sees_ticket(ticket, orderId=order["id"])
            page = await buyer.get(f"/orders/{order['id']}")
            assert page.status_code == 200
            assert "Kraftwerk, row 5" in page.text
            assert await market.mails_to(buyer.email)

    inside(stage.hub, lambda: asyncio.run(purchase()))


def test_what_is_for_the_cluster_alone_is_not_reached_from_outside(
    stage: Stage, tmp_path: Path
) -> None:
    async def look() -> None:
        market = Market(stage.url, tmp_path)
        async with market.browsers:
            visitor = await market.visitor()
            for path in ("/metrics", "/healthz", "/readyz"):
                assert (await visitor.get(path)).status_code in (404, 503), path

    inside(stage.hub, lambda: asyncio.run(look()))
