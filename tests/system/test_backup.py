"""The drill that an operator does before it is needed."""

from pathlib import Path

import pytest
from pymongo import MongoClient
from tests.system.stack import Market

pytestmark = pytest.mark.xdist_group("market")


# payments looks what Stripe has told it, now and then, and notes that it did: a local stack does
# not stop a service meanwhile, as one does in a cluster.
@pytest.mark.parametrize(("lost", "how"), [("orders", []), ("payments", ["--replace"])])
async def test_a_database_that_is_lost_comes_back_and_the_market_is_in_order(
    market: Market, tmp_path: Path, lost: str, how: list[str]
) -> None:
    seller, buyer = [await market.somebody() for _ in range(2)]
    ticket = await seller.offer("Night", 30)
    order = await buyer.order(ticket)
    assert (await buyer.pay(order)).status_code == 201
    await buyer.sees_order(order, status="complete")
    await market.audited()

    said = market.ticketing("backup", str(tmp_path / "now"))
    assert said.returncode == 0, said.stderr
    after = await seller.offer("The night after", 40)  # nobody will know this from the backup
    await market.audited()
    lose(market, lost)

    said = market.ticketing("restore", str(tmp_path / "now"), lost, *how)
    assert said.returncode == 0, said.stderr
    said = market.ticketing("events", "replay", "--to", lost, "--from", "1h")
    assert said.returncode == 0, said.stderr
    # What a service that runs on hears of what it has lost, as of an order's end, is a dead letter.
    said = market.ticketing("dead-letters", "retry", "--all", "--yes")
    assert said.returncode == 0, said.stderr

    await market.audited()
    await buyer.sees_order(order, status="complete")
    another = await buyer.order(after)
    assert (await buyer.pay(another)).status_code == 201
    await buyer.sees_order(another, status="complete")


async def test_a_backup_overwrites_nothing_that_it_was_not_told_to(
    market: Market, tmp_path: Path
) -> None:
    await (await market.somebody()).offer()
    assert market.ticketing("backup", str(tmp_path / "now")).returncode == 0

    again = market.ticketing("backup", str(tmp_path / "now"))
    assert (again.returncode, "is there already" in again.stderr) == (1, True)
    over = market.ticketing("restore", str(tmp_path / "now"), "tickets")
    assert (over.returncode, "--replace drops what it holds" in over.stderr) == (1, True)
    nobody = market.ticketing("restore", str(tmp_path / "now"), "expiration")
    assert (nobody.returncode, "No database is expiration's" in nobody.stderr) == (1, True)
    gone = market.ticketing("restore", str(tmp_path / "then"))
    assert (gone.returncode, "has no backup of auth" in gone.stderr) == (1, True)
    assert (
        market.ticketing("restore", str(tmp_path / "now"), "tickets", "--replace").returncode == 0
    )
    await market.audited()


def lose(market: Market, service: str) -> None:
    [mongo] = [part for part in market.status()["processes"] if part["name"] == "mongo"]
    uri = f"mongodb://{mongo['address']}/?directConnection=true"
    with MongoClient[dict[str, object]](uri) as client:
        assert service in client.list_database_names()
        client.drop_database(service)
