"""The pods of a cluster, run locally, and a purchase through its Ingress.

The dev overlay is rendered by kustomize. Each pod has its image's command, its variables, user,
ports and volumes, and a read-only root in a network namespace. Services are host names, the Ingress
is nginx. Differences to a cluster: a stand-in for MongoDB without authentication and with another
replica set, one pod per workload, and neither network policies nor resource limits.
"""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.local_cluster.cluster import RunningCluster, running_cluster
from tests.local_cluster.network import NoNamespaces, run_inside
from tests.manifests.project import DEPLOYED
from tests.system.stack import RunningStack

from ticketing_dev.tools.manifests import KUBECTL

pytestmark = [
    pytest.mark.xdist_group("local-cluster"),
    pytest.mark.timeout(600),
]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningCluster]:
    if not KUBECTL.exists():
        pytest.skip("kubectl is missing. Run `make kubectl`.")
    try:
        with running_cluster(tmp_path_factory.mktemp("cluster")) as started:
            yield started
    except NoNamespaces as error:
        pytest.skip(str(error))


def test_pods_pass_their_probes(cluster: RunningCluster) -> None:
    passed = {
        (name, kind): cluster.passes(name, probe)
        for name, pod in cluster.pods.items()
        for kind, probe in pod.probes.items()
    }
    assert [probe for probe, result in passed.items() if not result] == []
    assert {f"{name}-depl" for name in DEPLOYED} <= {name for name, _ in passed}


def test_processes_have_the_user_of_their_pod(cluster: RunningCluster) -> None:
    for name, pod in cluster.pods.items():
        status = Path(f"/proc/{cluster.processes[name].pid}/status").read_text().splitlines()
        fields = dict(line.split(":\t", 1) for line in status if ":\t" in line)
        assert fields["Uid"].split() == [str(pod.user)] * 4
        assert fields["Gid"].split() == [str(pod.group)] * 4
        assert int(fields["CapEff"], 16) == int(fields["CapPrm"], 16) == 0
        assert fields["NoNewPrivs"] == "1"


def test_purchase_through_the_ingress(cluster: RunningCluster, tmp_path: Path) -> None:
    async def purchase() -> None:
        stack = RunningStack(cluster.url, tmp_path)
        async with stack.browsers:
            seller, buyer = await stack.sign_up(), await stack.sign_up()
            ticket = await seller.list_ticket("Kraftwerk, row 5", 49.5)
            order = await buyer.order(ticket)
            declined = await buyer.pay(order, "tok_chargeDeclined")
            assert declined.status_code == 402, declined.text
            paid = await buyer.pay(order)
            assert paid.status_code == 201, paid.text
            await buyer.wait_for_order(order, status="complete")
            await seller.wait_for_ticket(ticket, orderId=order["id"])
            page = await buyer.get(f"/orders/{order['id']}")
            assert page.status_code == 200
            assert "Kraftwerk, row 5" in page.text
            assert await stack.mails_to(buyer.email)

    run_inside(cluster.hub, lambda: asyncio.run(purchase()))


def test_ingress_hides_the_probes(cluster: RunningCluster, tmp_path: Path) -> None:
    async def request_probes() -> None:
        stack = RunningStack(cluster.url, tmp_path)
        async with stack.browsers:
            browser = await stack.open_browser()
            for path in ("/metrics", "/healthz", "/readyz"):
                assert (await browser.get(path)).status_code in (404, 503), path

    run_inside(cluster.hub, lambda: asyncio.run(request_probes()))
