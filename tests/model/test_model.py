"""A model-based test: Hypothesis chooses requests, deliveries, outcomes and times at random."""

import asyncio
import os
from collections.abc import Callable, Coroutine, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import pytest
import time_machine
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)
from tests.model.simulated_system import DOCUMENTS, KEY, SimulatedSystem

from ticketing_common import circuit_breaker
from ticketing_dev.stack.processes import servers
from ticketing_dev.stack.processes.ports import free_port
from ticketing_dev.stack.processes.stripe_stand_in import stripe_stand_in
from ticketing_dev.stack.supervision.process import running
from ticketing_testing import new_user
from ticketing_testing.standins import StripeStandInClient

T = TypeVar("T")
Run = Callable[[Coroutine[Any, Any, T]], T]

SELLER, *BUYERS = (new_user() for _ in range(3))
CARDS = ["tok_visa", "tok_visa", "tok_chargeDeclined", "pm_card_threeDSecure2Required"]
CONFIRM_REQUEST = {"path": "/v1/payment_intents/", "method": "POST"}
STRIPE_FAULTS: list[dict[str, Any]] = [
    {"kind": "drop", "when": "before"},
    {"kind": "drop", "when": "after"},
    {"kind": "drop", "when": "after", **CONFIRM_REQUEST},
    {"kind": "error", "status": 500},
]
FAULTS = st.sampled_from([None, None, None, *STRIPE_FAULTS])

MOSTLY = st.sampled_from([True, True, True, False])
RARELY = st.sampled_from([False, False, False, False, True])

EXAMPLES = int(os.environ.get("TICKETING_MODEL_EXAMPLES", "15"))
STEPS = 50


class SystemMachine(RuleBasedStateMachine):
    """Everything may happen in any order. Some rules always hold, others once all is quiet."""

    tickets: Bundle[str] = Bundle("tickets")
    orders: Bundle[str] = Bundle("orders")

    def __init__(self, system: SimulatedSystem, run: Any) -> None:
        super().__init__()
        self.system, self.run = system, run
        run(system.reset())
        self.listed = 0
        self.buyer_of: dict[str, Any] = {}
        self.seen: dict[str, Any] = {}
        """The tickets as the buyers last saw them."""
        self.offered: dict[str, tuple[str, float]] = {}
        """Title and price of each ticket as its seller last set them."""

    def request(
        self, delivered: bool, service: str, user: Any, method: str, path: str, **content: Any
    ) -> Any:
        """Send a request; with `delivered`, after the service's pending events."""
        if delivered:
            self.run(self.system.deliver_all(service))
        response = self.run(self.system.request(service, user, method, path, **content))
        assert response.status_code in {200, 201, 202, 204, 400, 402, 404, 409, 503}, response.text
        return response

    @initialize(target=tickets)
    def begin(self) -> str:
        return self._list_ticket(20.5)

    @precondition(lambda self: self.listed < 6)
    @rule(target=tickets, price=st.sampled_from([5, 20.5]))
    def list_ticket(self, price: float) -> str:
        return self._list_ticket(price)

    def _list_ticket(self, price: float) -> str:
        self.listed += 1
        ticket = {"title": "A seat", "price": price}
        response = self.request(False, "tickets", SELLER, "POST", "", json=ticket)
        ticket_id: str = response.json()["id"]
        self.offered[ticket_id] = "A seat", price
        self.seen[ticket_id] = response.json()
        return ticket_id

    @rule(ticket=tickets, delivered=MOSTLY, price=st.sampled_from([7, 30.25]))
    def change_price(self, ticket: str, delivered: bool, price: float) -> None:
        changes = {"title": "A better seat", "price": price}
        path = f"/{ticket}"
        response = self.request(delivered, "tickets", SELLER, "PUT", path, json=changes)
        if response.status_code == 200:
            self.offered[ticket] = "A better seat", price

    @rule(ticket=tickets, delivered=MOSTLY, really=RARELY)
    def withdraw_ticket(self, ticket: str, delivered: bool, really: bool) -> None:
        if really:
            self.request(delivered, "tickets", SELLER, "DELETE", f"/{ticket}")

    @rule(ticket=tickets)
    def view_ticket(self, ticket: str) -> None:
        response = self.request(False, "tickets", BUYERS[0], "GET", f"/{ticket}")
        if response.status_code == 200:
            self.seen[ticket] = response.json()

    @rule(target=orders, ticket=tickets, delivered=MOSTLY, buyer=st.sampled_from(BUYERS))
    def order(self, ticket: str, delivered: bool, buyer: Any) -> str | MultipleResults[str]:
        return self._order(ticket, delivered, buyer)

    @rule(
        target=orders,
        ticket=tickets,
        buyer=st.sampled_from(BUYERS),
        card=st.sampled_from(CARDS),
        fault=FAULTS,
    )
    def order_and_pay(
        self, ticket: str, buyer: Any, card: str, fault: dict[str, Any] | None
    ) -> str | MultipleResults[str]:
        order = self._order(ticket, True, buyer)
        if isinstance(order, str):
            self._pay(order, True, card, fault)
        return order

    def _order(self, ticket: str, delivered: bool, buyer: Any) -> str | MultipleResults[str]:
        seen = self.seen[ticket]
        body = {"ticketId": ticket, "ticketVersions": {ticket: seen["version"]}}
        response = self.request(delivered, "orders", buyer, "POST", "", json=body)
        if response.status_code != 201:
            self.seen[ticket] = response.json()["errors"][0].get("ticket", seen)
            return multiple()
        ordered = response.json()["ticket"]
        assert (ordered["title"], ordered["price"]) == (seen["title"], seen["price"])
        order: str = response.json()["id"]
        self.buyer_of[order] = buyer
        return order

    @rule(order=orders, delivered=MOSTLY)
    def cancel(self, order: str, delivered: bool) -> None:
        self.request(delivered, "orders", self.buyer_of[order], "DELETE", f"/{order}")

    @rule(order=orders, delivered=MOSTLY, card=st.sampled_from(CARDS), fault=FAULTS)
    def pay(self, order: str, delivered: bool, card: str, fault: dict[str, Any] | None) -> None:
        self._pay(order, delivered, card, fault)

    def _pay(self, order: str, delivered: bool, card: str, fault: dict[str, Any] | None) -> None:
        self.run(self.system.stripe.reset())
        if fault is not None:
            self.run(self.system.stripe.add_fault(**fault, times=2))
        body = {"orderId": order, "token": card}
        self.request(delivered, "payments", self.buyer_of[order], "POST", "", json=body)

    @rule(order=orders, outcome=st.sampled_from(["succeed", "fail"]))
    def answer_bank(self, order: str, outcome: str) -> None:
        """Approve or decline at the bank. Only Stripe learns of it."""
        unconfirmed = {"order_id": order, "status": "needs-confirmation"}
        for payment in self.run(self.system.rows("payments", "payments", **unconfirmed)):
            intent = payment["stripe_id"]
            found = self.run(self.system.stripe.get(f"/v1/payment_intents/{intent}"))
            if found["status"] == "requires_action":
                self.run(self.system.stripe.set_outcome("payment_intents", intent, outcome))

    @rule(seconds=st.sampled_from([1, 1, 20, 20, 61, 185]))
    def wait(self, seconds: float) -> None:
        self.system.wait(seconds)

    @rule(order=orders)
    def end_order_time(self, order: str) -> None:
        self.system.end_order_time(order)

    @rule(service=st.sampled_from(list(DOCUMENTS)), index=st.integers(0, 9))
    def deliver_any(self, service: str, index: int) -> None:
        """Deliver one event, in any order."""
        pending = self.system.pending[service]
        if pending:
            self.run(self.system.deliver(service, index % len(pending)))

    @rule(service=st.sampled_from(list(DOCUMENTS)))
    def deliver_all(self, service: str) -> None:
        self.run(self.system.deliver_all(service))

    @rule(service=st.sampled_from(list(DOCUMENTS)), index=st.integers(0, 99))
    def redeliver(self, service: str, index: int) -> None:
        self.run(self.system.redeliver(service, index))

    @rule(service=st.sampled_from(list(DOCUMENTS)))
    def sweep(self, service: str) -> None:
        self.run(self.system.sweep(service))

    @rule()
    def settle_payments(self) -> None:
        self.run(self.system.settle_payments())

    @invariant()
    def no_ticket_is_in_two_live_orders(self) -> None:
        live = {"status": {"$ne": "cancelled"}}
        ordered = [
            order["ticket"]["id"]
            for order in self.run(self.system.rows("orders", "orders", **live))
        ]
        assert len(ordered) == len(set(ordered)), "two live orders for one ticket"

    def teardown(self) -> None:
        self.run(self.check_when_quiet())

    async def check_when_quiet(self) -> None:
        system = self.system
        await system.run_until_quiet()
        charges = await system.net_charges()
        orders = {str(order["_id"]): order for order in await system.rows("orders", "orders")}
        for order_id, order in orders.items():
            assert order["status"] in ("complete", "cancelled")
            expected = order["ticket"]["price"] if order["status"] == "complete" else 0
            assert charges[order_id] == expected, f"{order} costs {charges[order_id]}"
        expired = {order_id for order_id, order in orders.items() if order["reason"] == "expired"}
        assert not expired & await system.charged_orders(), "paid in time and expired"
        sold = {
            order["ticket"]["id"]: order_id
            for order_id, order in orders.items()
            if order["status"] == "complete"
        }
        tickets = {str(row["_id"]): row for row in await system.rows("tickets", "tickets")}
        held = {ticket: row["order_id"] for ticket, row in tickets.items() if row["order_id"]}
        assert held == sold
        for ticket, row in tickets.items():
            terms = row["title"], row["price"]
            if row["order_id"]:
                ordered = orders[row["order_id"]]["ticket"]
                assert terms == (ordered["title"], ordered["price"]), "sold at other terms"
            else:
                title, price = self.offered[ticket]
                assert terms == (title, round(price * 100)), "a change of the seller is lost"
        copies = {str(row["_id"]): row for row in await system.rows("orders", "tickets")}
        for ticket, copy in copies.items():
            if copy["deleted"]:
                assert ticket not in tickets
            else:
                fields = ("title", "price", "version")
                assert [copy[each] for each in fields] == [tickets[ticket][each] for each in fields]
        for copy in await system.rows("payments", "orders"):
            assert copy["status"] == orders[str(copy["_id"])]["status"]


@pytest.fixture
def run() -> Iterator[Any]:
    """A function that runs a coroutine: Hypothesis calls rules synchronously."""
    with asyncio.Runner() as runner:
        yield runner.run


@pytest.fixture
def system(run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SimulatedSystem]:
    # The circuit would close by the real clock, not by the simulated one.
    monkeypatch.setattr(circuit_breaker, "FAILURE_THRESHOLD", 1_000_000)
    mongo = servers.mongo(free_port(), tmp_path / "mongo", durable=False)
    with (
        running(mongo),
        running(stripe_stand_in(free_port(), tmp_path / "stripe")) as stripe,
        time_machine.travel(datetime.now(UTC), tick=False) as clock,
    ):
        client = StripeStandInClient(stripe.spec.url, {"Authorization": f"Bearer {KEY}"})
        opened = SimulatedSystem.open(mongo.uri, client, clock)
        yield run(opened.__aenter__())
        run(opened.__aexit__(None, None, None))


@pytest.mark.timeout(max(300, 10 * EXAMPLES))
def test_system_sells_each_ticket_once_and_charges_each_order_once(
    system: SimulatedSystem, run: Any
) -> None:
    run_state_machine_as_test(
        lambda: SystemMachine(system, run),  # type: ignore[arg-type]  # any factory will do
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            derandomize="TICKETING_MODEL_EXAMPLES" not in os.environ,
            database=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate, Phase.shrink],
        ),
    )
