"""Orders: how long until they have their effect everywhere, and an on-sale."""

import asyncio
import time
from collections import Counter
from random import Random
from typing import Any

import nats
from bench.data import insert_tickets
from bench.load import Answer, Connection, percentile, request
from bench.report import Figure, console
from bench.stack import Stack, User
from bson import ObjectId
from pymongo import AsyncMongoClient
from pymongo.write_concern import WriteConcern

ORDERS = 300
BUYERS, TICKETS_ON_SALE = 1_000, 100
ON_SALE_SECONDS = 120
"""Buyers without a final answer after this time have starved."""
CARD = "pm_card_visa"
POLL_SECONDS = 0.001


async def measure_order_delays() -> list[Figure]:
    """Measure single orders: until the ticket shows its order, and until every copy has it."""
    with Stack.running("--no-client") as stack:
        [buyer] = stack.sign_up(1)
        ids = insert_tickets(stack, ORDERS + 20, buyer.id)
        limit, held, settled = [], [], []
        async with _Stores(stack) as stores:
            orders = f"{stack.address('orders')}/api/orders"
            connection = await Connection.open(orders)
            for number, ticket in enumerate(ids):
                limit.append(await stores.publish_and_two_transactions())
                order = request("POST", orders, buyer.headers, {"ticketId": ticket})
                answer = await connection.send(order)
                assert answer.status == 201, answer
                start = time.perf_counter()
                await stores.wait_until_held(ticket)
                held.append(time.perf_counter() - start)
                await stores.wait_until_settled(ticket, answer.json()["id"])
                settled.append(time.perf_counter() - start)
                if number == 19:  # the first ones warm everything up
                    limit, held, settled = [], [], []
            connection.close()
    base = percentile(limit, 50)
    detail = f"limit: one publish and two transactions, p50 {base * 1000:.1f} ms"
    return [
        Figure.at_most(
            "Orders",
            name,
            percentile(values, 50) / base,
            "x the limit",
            goal,
            f"p50 {percentile(values, 50) * 1000:.1f} ms, p99 {percentile(values, 99) * 1000:.1f} "
            f"ms; {detail}",
        )
        for name, values, goal in [
            ("order until its ticket is held", held, 2),
            ("order until settled everywhere", settled, 3),
        ]
    ]


class _Stores:
    """Connections to the stores of a stack, without its services."""

    def __init__(self, stack: Stack) -> None:
        connections = stack.connections
        self._clients: dict[str, AsyncMongoClient[dict[str, Any]]] = {
            service: AsyncMongoClient(connections.mongo_uri(service))
            for service in ("tickets", "orders", "payments", "contact")
        }
        self._nats_url = connections.nats_url

    async def __aenter__(self) -> "_Stores":
        self._nats = await nats.connect(self._nats_url)
        # A stream of its own, which the operators' user may create.
        self._js = self._nats.jetstream()
        await self._js.add_stream(name="BENCH", subjects=["bench.>"])
        own = self._clients["tickets"]["bench"]
        await own.create_collection("limit")
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._js.delete_stream("BENCH")
        await self._nats.close()
        for client in self._clients.values():
            await client.close()

    def _collection(self, service: str, name: str) -> Any:
        return self._clients[service].get_default_database()[name]

    async def publish_and_two_transactions(self) -> float:
        """Return the seconds for a publish between two transactions of two writes each."""
        start = time.perf_counter()
        await self._two_writes()
        await self._js.publish("bench.limit", b"x" * 300)
        await self._two_writes()
        return time.perf_counter() - start

    async def _two_writes(self) -> None:
        client = self._clients["tickets"]

        async def work(session: Any) -> None:
            for _ in range(2):
                row = {"_id": ObjectId(), "body": b"x" * 300}
                await client["bench"]["limit"].insert_one(row, session=session)

        async with client.start_session() as session:
            concern = WriteConcern("majority", j=True)
            await session.with_transaction(work, write_concern=concern)

    async def wait_until_held(self, ticket_id: str) -> None:
        tickets = self._collection("tickets", "tickets")
        await _until(tickets, {"_id": ObjectId(ticket_id), "order_id": {"$ne": None}})

    async def wait_until_settled(self, ticket_id: str, order_id: str) -> None:
        """Wait until payments and contact have the order, and every copy of the ticket its hold."""
        for service in ("payments", "contact"):
            await _until(self._collection(service, "orders"), {"_id": ObjectId(order_id)})
        for service in ("orders", "contact"):
            held = {"_id": ObjectId(ticket_id), "version": {"$gte": 1}}
            await _until(self._collection(service, "tickets"), held)


async def _until(collection: Any, condition: dict[str, Any]) -> None:
    async with asyncio.timeout(30):
        while await collection.find_one(condition, {"_id": 1}) is None:
            await asyncio.sleep(POLL_SECONDS)


class _OnSale:
    """Buyers who all want tickets at the same moment."""

    def __init__(self, stack: Stack, tickets: list[str]) -> None:
        self._stack = stack
        self._free = set(tickets)
        self.statuses: Counter[str] = Counter()
        self.completed: list[float] = []
        self.buyers_of: dict[str, list[str]] = {}
        self.answered_after: list[float] = []
        self.sold_out = 0
        self._start = time.perf_counter()

    async def buy(self, user: User, dice: Random) -> None:
        """Order one of the tickets and pay for it, until there is none left."""
        connection = await Connection.open(self._stack.url)
        orders, payments = (f"{self._stack.url}/api/{name}" for name in ("orders", "payments"))
        try:
            while self._free:
                ticket = dice.choice(sorted(self._free))
                answer = await self._send(
                    connection,
                    "order",
                    request("POST", orders, user.headers, {"ticketId": ticket}),
                    dice,
                )
                self.answered_after.append(time.perf_counter() - self._start)
                if answer.status == 201:
                    order = answer.json()["id"]
                    body = {"orderId": order, "token": CARD}
                    paid = await self._send(
                        connection, "payment", request("POST", payments, user.headers, body), dice
                    )
                    if paid.status == 201:
                        self.completed.append(time.perf_counter() - self._start)
                        self.buyers_of.setdefault(ticket, []).append(user.id)
                    return
                self._free.discard(ticket)
            self.sold_out += 1
        finally:
            connection.close()

    async def _send(
        self, connection: Connection, name: str, content: bytes, dice: Random
    ) -> Answer:
        """Send a request, and again after the time that a refusal names."""
        while True:
            answer = await connection.send(content)
            self.statuses[f"{name} {answer.status}"] += 1
            if answer.status not in (409, 429, 503):
                return answer
            wait = float(answer.headers.get("retry-after", "1"))
            await asyncio.sleep(wait * dice.uniform(1, 1.5))


async def measure_on_sale() -> list[Figure]:
    """Let many buyers order and pay for a few tickets at once."""
    with Stack.running("--no-client") as stack:
        buyers = stack.sign_up(BUYERS)
        sale = _OnSale(stack, insert_tickets(stack, TICKETS_ON_SALE, buyers[0].id))
        work = [
            asyncio.create_task(sale.buy(buyer, Random(number)))
            for number, buyer in enumerate(buyers)
        ]
        _, starved = await asyncio.wait(work, timeout=ON_SALE_SECONDS)
        for task in starved:
            task.cancel()
        results = await asyncio.gather(*work, return_exceptions=True)
        without_answer = sum(isinstance(result, BaseException) for result in results)
    oversold = sum(len(users) > 1 for users in sale.buyers_of.values())
    rate = len(sale.completed) / max(sale.completed, default=ON_SALE_SECONDS)
    detail = ", ".join(f"{count} x {name}" for name, count in sorted(sale.statuses.items()))
    console.print(f"  {detail}")
    missing = sum(count for name, count in sale.statuses.items() if name.endswith(" 404"))
    answered = percentile(sale.answered_after, 99)
    section = f"On-sale: {BUYERS} buyers for {TICKETS_ON_SALE} tickets"
    return [
        Figure(section, "orders completed", rate, "a second", 25, detail=detail),
        Figure.at_most(section, "tickets sold twice", oversold, "", 0),
        Figure.at_most(section, "responses 404", missing, "", 0),
        Figure.at_most(section, "buyers without a final answer", without_answer, "", 0),
        Figure(section, "tickets sold", len(sale.buyers_of), "", TICKETS_ON_SALE),
        Figure(section, "time from the start to an answer, p99", answered, "s", None),
    ]
