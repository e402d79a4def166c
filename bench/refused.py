"""How much events that NATS refuses delay all others.

Both cases alternate in one process, on the servers of the tests. The figures are the time from a
change until NATS delivers its event, and the CPU time.
"""

import asyncio
import random
import re
import statistics
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import ClassVar

import nats
from beanie import PydanticObjectId
from bench.report import Figure
from nats.aio.msg import Msg
from nats.js import JetStreamContext

from ticketing_common.events import PaymentFailed, TicketCreated
from ticketing_common.messaging.broker import Broker
from ticketing_common.messaging.listeners import Listeners
from ticketing_common.messaging.provisioning import provision
from ticketing_common.persistence import database, outbox
from ticketing_common.persistence.documents import VersionedDocument
from ticketing_common.persistence.transaction import transactional
from ticketing_testing import eventually, new_id
from ticketing_testing.store_servers import start_store_servers
from ticketing_testing.timeouts import TIMEOUT_SECONDS

REFUSED = 1000
ROUNDS, CHANGES = 8, 60
PAUSE_SECONDS = 0.02


class Ticket(VersionedDocument):
    class Settings:
        name: ClassVar[str] = "tickets"

    title: str = "A concert"
    price: int = 10
    user_id: str


@transactional
async def change(ticket_id: PydanticObjectId) -> None:
    ticket = await Ticket(id=ticket_id, user_id=new_id()).insert()
    await outbox.add(TicketCreated.of(ticket))


@transactional
async def fail_payments(count: int) -> None:
    for _ in range(count):
        await outbox.add(PaymentFailed(id=new_id(), order_id=new_id()))


async def set_refused(js: JetStreamContext, count: int) -> None:
    """Leave so many rows that NATS refuses in the outbox."""
    await outbox.rows().delete_many({"subject": PaymentFailed.subject})
    for _ in range(count // 250):
        await fail_payments(250)

    async def are_refused() -> bool:
        return await outbox.rows().count_documents({"attempts": {"$gt": 0}}) == count

    await eventually(are_refused)


async def measure_refused() -> list[Figure]:
    """Measure events with refused ones in the outbox and without."""
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as folder,
        start_store_servers(Path(folder)) as servers,
    ):
        return await _measure(servers.mongo_uri("bench"), servers.nats_url(0))


async def _measure(mongo_uri: str, nats_url: str) -> list[Figure]:
    delivered: dict[str, asyncio.Future[None]] = {}

    async def on_delivery(message: Msg) -> None:
        if found := re.search(rb'"id":"(\w{24})"', message.data):
            delivered[found[1].decode()].set_result(None)

    seconds: dict[bool, list[float]] = defaultdict(list)
    cpu_seconds: dict[bool, list[float]] = defaultdict(list)
    connection = await nats.connect(nats_url)
    js = connection.jetstream()
    await provision(js, {})
    await connection.subscribe("ticket.created", cb=on_delivery)
    async with database.connected(mongo_uri, [Ticket]):
        await outbox.rows().create_indexes(outbox.INDEXES)
        broker = Broker(nats_url, Listeners("tickets"))
        async with broker.running():
            await broker.ready()
            await js.delete_stream("PAYMENT")
            for _ in range(ROUNDS):
                for has_refused in random.sample([False, True], 2):
                    await set_refused(js, REFUSED if has_refused else 0)
                    for _ in range(CHANGES):
                        ticket_id = PydanticObjectId()
                        future = asyncio.get_running_loop().create_future()
                        delivered[str(ticket_id)] = future
                        start, cpu_start = time.perf_counter(), time.process_time()
                        await change(ticket_id)
                        async with asyncio.timeout(TIMEOUT_SECONDS):
                            await future
                        seconds[has_refused].append(time.perf_counter() - start)
                        cpu_seconds[has_refused].append(time.process_time() - cpu_start)
                        await asyncio.sleep(PAUSE_SECONDS)
    await connection.close()
    figures = []
    for name, values in (("latency", seconds), ("CPU time", cpu_seconds)):
        without, beside = (statistics.median(values[key]) * 1000 for key in (False, True))
        figures.append(
            Figure.at_most(
                "Refused events",
                f"{name} of an event beside {REFUSED} refused ones, p50",
                beside / without,
                "x alone",
                1.1,
                f"{without:.2f} ms alone",
            )
        )
    return figures
