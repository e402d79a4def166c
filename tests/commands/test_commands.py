"""docs/commands.md against the commands of the running services."""

import asyncio
from copy import deepcopy
from pathlib import Path

import pytest
from tests.commands.scenario import Measurement, measure
from tests.commands.system import run_recorded_system
from tests.commands.table import DOCUMENT, labels_of, order_commands, render
from tests.contract.tables import ROUTES
from tests.listeners.services import LISTENERS

from ticketing_testing import TestEnvironment
from ticketing_testing.store_servers import StoreServers

pytestmark = pytest.mark.xdist_group("commands")

MAX_ORDER_COMMANDS = 20
"""The commands of one order in all services together."""


@pytest.fixture(scope="module")
def measurement(
    store_servers: StoreServers, tmp_path_factory: pytest.TempPathFactory
) -> Measurement:
    return asyncio.run(run_scenario(store_servers, tmp_path_factory.mktemp("commands")))


async def run_scenario(stores: StoreServers, folder: Path) -> Measurement:
    async with (
        TestEnvironment.create(stores) as environment,
        run_recorded_system(environment, stores, folder) as system,
    ):
        return await measure(system)


@pytest.mark.timeout(600)
def test_page_has_the_measured_commands(measurement: Measurement) -> None:
    assert render(measurement) == DOCUMENT.read_text(), (
        "A request, a handler or an order costs other commands than docs/commands.md says. If that "
        "is meant, run `.venv/bin/python -m tests.commands`."
    )


def test_page_has_every_request(measurement: Measurement) -> None:
    missing = [
        str(route)
        for route in ROUTES
        if f"{route.method} {route.template}" not in labels_of(measurement, route.service)
    ]
    assert missing == []


def test_page_has_every_listener(measurement: Measurement) -> None:
    missing = [
        (listener.service, listener.event.__name__)
        for listener in LISTENERS
        if listener.event.__name__ not in labels_of(measurement, listener.service)
    ]
    assert missing == []


def test_order_costs_few_commands(measurement: Measurement) -> None:
    assert sum(order_commands(measurement).values()) <= MAX_ORDER_COMMANDS


def test_page_changes_with_one_more_command_of_a_request(measurement: Measurement) -> None:
    changed = deepcopy(measurement)
    for record in changed.records["tickets"]:
        for unit in record.units:
            if unit.label == "GET /api/tickets/{ticketId}":
                unit.commands.append(unit.commands[0])

    assert render(changed) != render(measurement)


@pytest.mark.parametrize(
    ("label", "outcome"),
    [("POST /api/users/forgot-password", "200"), ("POST /api/users/signin", "400")],
)
def test_commands_are_the_same_for_known_and_unknown_addresses(
    measurement: Measurement, label: str, outcome: str
) -> None:
    units = [unit for record in measurement.records["auth"] for unit in record.units]

    found = [str(unit) for unit in units if (unit.label, unit.outcome) == (label, outcome)]

    assert len(found) >= 2  # of a known and of an unknown address
    assert len({*found}) == 1
