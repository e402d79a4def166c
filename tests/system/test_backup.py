"""Backup and restore of a database in a running stack."""

from pathlib import Path

import pytest
from pymongo import MongoClient
from tests.system.stack import RunningStack

pytestmark = pytest.mark.xdist_group("stack")


# A restore needs --replace for payments: it has stored its reconciliation checkpoint meanwhile. In
# a cluster the service is stopped first.
@pytest.mark.parametrize(("service", "options"), [("orders", []), ("payments", ["--replace"])])
async def test_restore_recovers_a_lost_database(
    stack: RunningStack, tmp_path: Path, service: str, options: list[str]
) -> None:
    seller, buyer = [await stack.sign_up() for _ in range(2)]
    ticket = await seller.list_ticket("Night", 30)
    order = await buyer.order(ticket)
    assert (await buyer.pay(order)).status_code == 201
    await buyer.wait_for_order(order, status="complete")
    await stack.wait_for_clean_audit()

    result = stack.run_command("backup", str(tmp_path / "now"))
    assert result.returncode == 0, result.stderr
    after = await seller.list_ticket("The night after", 40)  # not in the backup
    await stack.wait_for_clean_audit()
    drop_database(stack, service)

    result = stack.run_command("restore", str(tmp_path / "now"), service, *options)
    assert result.returncode == 0, result.stderr
    result = stack.run_command("events", "replay", "--to", service, "--since", "1h")
    assert result.returncode == 0, result.stderr
    # Events about documents that the running service had lost are dead letters.
    result = stack.run_command("dead-letters", "retry", "--all", "--yes")
    assert result.returncode == 0, result.stderr

    await stack.wait_for_clean_audit()
    await buyer.wait_for_order(order, status="complete")
    another = await buyer.order(after)
    assert (await buyer.pay(another)).status_code == 201
    await buyer.wait_for_order(another, status="complete")


async def test_backup_and_restore_overwrite_only_with_replace(
    stack: RunningStack, tmp_path: Path
) -> None:
    await (await stack.sign_up()).list_ticket()
    assert stack.run_command("backup", str(tmp_path / "now")).returncode == 0

    again = stack.run_command("backup", str(tmp_path / "now"))
    assert (again.returncode, "Name a new folder for the backup." in again.stderr) == (1, True)
    overwrite = stack.run_command("restore", str(tmp_path / "now"), "tickets")
    assert (overwrite.returncode, "--replace deletes its documents first." in overwrite.stderr) == (
        1,
        True,
    )
    unknown = stack.run_command("restore", str(tmp_path / "now"), "expiration")
    assert (unknown.returncode, "expiration has no database." in unknown.stderr) == (1, True)
    missing = stack.run_command("restore", str(tmp_path / "then"))
    assert (missing.returncode, "has no backup of auth" in missing.stderr) == (1, True)
    assert (
        stack.run_command("restore", str(tmp_path / "now"), "tickets", "--replace").returncode == 0
    )
    await stack.wait_for_clean_audit()


def drop_database(stack: RunningStack, service: str) -> None:
    [mongo] = [each for each in stack.status()["processes"] if each["name"] == "mongo"]
    uri = f"mongodb://{mongo['address']}/?directConnection=true"
    with MongoClient[dict[str, object]](uri) as client:
        assert service in client.list_database_names()
        client.drop_database(service)
