"""Hypothesis plays shoppers, the bus, the bank and the clock against the real rules."""

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
from tests.model.simulated_system import KEPT, KEY, Market

from ticketing_common import circuit_breaker
from ticketing_dev.stack.processes import servers, stand_ins
from ticketing_dev.stack.processes.ports import free_port
from ticketing_dev.stack.supervision.process import running
from ticketing_testing import new_user
from ticketing_testing.standins import StripeStandInClient

T = TypeVar("T")
Run = Callable[[Coroutine[Any, Any, T]], T]

SELLER, *BUYERS = (new_user() for _ in range(3))
CARDS = ["tok_visa", "tok_visa", "tok_chargeDeclined", "pm_card_threeDSecure2Required"]
CONFIRMING = {"path": "/v1/payment_intents/", "method": "POST"}
BAD_DAYS: list[dict[str, Any]] = [
    {"kind": "drop", "when": "before"},
    {"kind": "drop", "when": "after"},
    {"kind": "drop", "when": "after", **CONFIRMING},
    {"kind": "error", "status": 500},
]
DAYS = st.sampled_from([None, None, None, *BAD_DAYS])

MOSTLY = st.sampled_from([True, True, True, False])
RARELY = st.sampled_from([False, False, False, False, True])

EXAMPLES = int(os.environ.get("TICKETING_MODEL_EXAMPLES", "15"))
STEPS = 50


class TheMarket(RuleBasedStateMachine):
    """Anything may happen in any order; some things are true throughout, others once it rests."""

    tickets: Bundle[str] = Bundle("tickets")
    orders: Bundle[str] = Bundle("orders")

    def __init__(self, market: Market, run: Any) -> None:
        super().__init__()
        self.market, self.run = market, run
        run(market.empty())
        self.listed = 0
        self.buyer_of: dict[str, Any] = {}

    def ask(
        self, informed: bool, service: str, user: Any, method: str, path: str, **sent: Any
    ) -> Any:
        """`informed`: once the service has heard all that was said."""
        if informed:
            self.run(self.market.deliver_all(service))
        answer = self.run(self.market.ask(service, user, method, path, **sent))
        assert answer.status_code in {200, 201, 202, 204, 400, 402, 404, 409, 503}, answer.text
        return answer

    @initialize(target=tickets)
    def begin(self) -> str:
        return self.list_one(20.5)

    @precondition(lambda self: self.listed < 6)
    @rule(target=tickets, price=st.sampled_from([5, 20.5]))
    def list_a_ticket(self, price: float) -> str:
        return self.list_one(price)

    def list_one(self, price: float) -> str:
        self.listed += 1
        offer = {"title": "A seat", "price": price}
        name: str = self.ask(False, "tickets", SELLER, "POST", "", json=offer).json()["id"]
        return name

    @rule(ticket=tickets, informed=MOSTLY, price=st.sampled_from([7, 30.25]))
    def change_a_price(self, ticket: str, informed: bool, price: float) -> None:
        offer = {"title": "A better seat", "price": price}
        self.ask(informed, "tickets", SELLER, "PUT", f"/{ticket}", json=offer)

    @rule(ticket=tickets, informed=MOSTLY, sure=RARELY)
    def withdraw_a_ticket(self, ticket: str, informed: bool, sure: bool) -> None:
        if sure:
            self.ask(informed, "tickets", SELLER, "DELETE", f"/{ticket}")

    @rule(target=orders, ticket=tickets, informed=MOSTLY, buyer=st.sampled_from(BUYERS))
    def order(self, ticket: str, informed: bool, buyer: Any) -> str | MultipleResults[str]:
        return self.order_one(ticket, informed, buyer)

    @rule(
        target=orders,
        ticket=tickets,
        buyer=st.sampled_from(BUYERS),
        card=st.sampled_from(CARDS),
        day=DAYS,
    )
    def order_and_pay(
        self, ticket: str, buyer: Any, card: str, day: dict[str, Any] | None
    ) -> str | MultipleResults[str]:
        ordered = self.order_one(ticket, True, buyer)
        if isinstance(ordered, str):
            self.pay_for(ordered, True, card, day)
        return ordered

    def order_one(self, ticket: str, informed: bool, buyer: Any) -> str | MultipleResults[str]:
        answer = self.ask(informed, "orders", buyer, "POST", "", json={"ticketId": ticket})
        if answer.status_code != 201:
            return multiple()
        name: str = answer.json()["id"]
        self.buyer_of[name] = buyer
        return name

    @rule(order=orders, informed=MOSTLY)
    def cancel(self, order: str, informed: bool) -> None:
        self.ask(informed, "orders", self.buyer_of[order], "DELETE", f"/{order}")

    @rule(order=orders, informed=MOSTLY, card=st.sampled_from(CARDS), day=DAYS)
    def pay(self, order: str, informed: bool, card: str, day: dict[str, Any] | None) -> None:
        self.pay_for(order, informed, card, day)

    def pay_for(self, order: str, informed: bool, card: str, day: dict[str, Any] | None) -> None:
        self.run(self.market.stripe.reset())
        if day is not None:
            self.run(self.market.stripe.add_fault(**day, times=2))
        body = {"orderId": order, "token": card}
        self.ask(informed, "payments", self.buyer_of[order], "POST", "", json=body)

    @rule(order=orders, says=st.sampled_from(["succeed", "fail"]))
    def the_bank_is_told(self, order: str, says: str) -> None:
        """What the buyer said when the bank asked. Only Stripe hears of it."""
        waiting = {"order_id": order, "status": "needs-confirmation"}
        for payment in self.run(self.market.rows("payments", "payments", **waiting)):
            intent = payment["stripe_id"]
            found = self.run(self.market.stripe.get(f"/v1/payment_intents/{intent}"))
            if found["status"] == "requires_action":
                self.run(self.market.stripe.set_outcome("payment_intents", intent, says))

    @rule(seconds=st.sampled_from([1, 1, 20, 20, 61, 185]))
    def time_passes(self, seconds: float) -> None:
        self.market.wait(seconds)

    @rule(order=orders)
    def an_order_expires(self, order: str) -> None:
        self.market.time_is_over(order)

    @rule(service=st.sampled_from(list(KEPT)), place=st.integers(0, 9))
    def an_event_arrives(self, service: str, place: int) -> None:
        """Whichever: the bus may hold any of them back."""
        waiting = self.market.waiting[service]
        if waiting:
            self.run(self.market.deliver(service, place % len(waiting)))

    @rule(service=st.sampled_from(list(KEPT)))
    def events_arrive_in_order(self, service: str) -> None:
        self.run(self.market.deliver_all(service))

    @rule(service=st.sampled_from(list(KEPT)), which=st.integers(0, 99))
    def an_event_arrives_again(self, service: str, which: int) -> None:
        self.run(self.market.deliver_again(service, which))

    @rule()
    def payments_are_looked_at(self) -> None:
        self.run(self.market.sweep())

    @invariant()
    def nobody_shares_a_ticket(self) -> None:
        live = {"status": {"$ne": "cancelled"}}
        held = [
            order["ticket"]["id"]
            for order in self.run(self.market.rows("orders", "orders", **live))
        ]
        assert len(held) == len(set(held)), "two live orders for one ticket"

    def teardown(self) -> None:
        self.run(self.at_rest())

    async def at_rest(self) -> None:
        market = self.market
        await market.come_to_rest()
        money = await market.money()
        orders = {str(order["_id"]): order for order in await market.rows("orders", "orders")}
        for name, order in orders.items():
            assert order["status"] in ("complete", "cancelled")
            owed = order["ticket"]["price"] if order["status"] == "complete" else 0
            assert money[name] == round(float(str(owed)) * 100), f"{order} costs {money[name]}"
        expired = {name for name, order in orders.items() if order["reason"] == "expired"}
        assert not expired & await market.ever_charged(), "paid for in time, and expired"
        bought = {
            order["ticket"]["id"]: name
            for name, order in orders.items()
            if order["status"] == "complete"
        }
        tickets = {str(row["_id"]): row for row in await market.rows("tickets", "tickets")}
        assert {name: row["order_id"] for name, row in tickets.items() if row["order_id"]} == bought
        copies = {str(row["_id"]): row for row in await market.rows("orders", "tickets")}
        for name, copy in copies.items():
            if copy["deleted"]:
                assert name not in tickets
            else:
                known = ("title", "price", "version")
                assert [copy[one] for one in known] == [tickets[name][one] for one in known]
        for copy in await market.rows("payments", "orders"):
            assert copy["status"] == orders[str(copy["_id"])]["status"]


@pytest.fixture
def run() -> Iterator[Any]:
    """Runs a coroutine to its end: hypothesis waits for nobody."""
    with asyncio.Runner() as runner:
        yield runner.run


@pytest.fixture
def market(run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Market]:
    monkeypatch.setattr(
        circuit_breaker, "FAILURE_THRESHOLD", 1_000_000
    )  # its pauses go by another clock
    mongo = servers.mongo(free_port(), tmp_path / "mongo", durable=False)  # nothing crashes
    with (
        running(mongo),
        running(stand_ins.stripe(free_port(), tmp_path / "stripe")) as bank,
        time_machine.travel(datetime.now(UTC), tick=False) as clock,
    ):
        stripe = StripeStandInClient(bank.spec.url, {"Authorization": f"Bearer {KEY}"})
        opened = Market.open(mongo.uri, stripe, clock)
        market = run(opened.__aenter__())
        yield market
        run(opened.__aexit__(None, None, None))


@pytest.mark.timeout(max(300, 10 * EXAMPLES))
def test_whatever_happens_in_whatever_order_each_ticket_is_one_buyers_and_paid_once(
    market: Market, run: Any
) -> None:
    run_state_machine_as_test(
        lambda: TheMarket(market, run),  # type: ignore[arg-type]  # it takes whatever makes one
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
