"""Doing the repairs: saying events again, giving money back. No document is written by hand."""

import asyncio
import os
import secrets
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from uuid import uuid4

from nats.errors import Error as NatsError

from ticketing_common.events import EVENTS, Envelope, ExpirationCompleted, utc_now
from ticketing_common.messaging.replay import publish_replay
from ticketing_common.messaging.streams import stream_of
from ticketing_ops.audit import messages
from ticketing_ops.audit.addresses import Addresses
from ticketing_ops.audit.away import Away
from ticketing_ops.audit.findings import Finding
from ticketing_ops.audit.messages import event_id, fields
from ticketing_ops.audit.repairs import (
    RefundCharge,
    RefundOrder,
    Repair,
    Resend,
    ResendOne,
    SayTimeIsOver,
)
from ticketing_ops.audit.stores import Stores
from ticketing_ops.audit.stripe_record import Refusal
from ticketing_ops.events.reading import Message

REFUND_SECONDS = 60
SECRET_STREAMS = {stream_of(event) for event in EVENTS if event.max_age is not None}
"""What they hold may be kept for minutes only, and is never said again."""


def repairs_of(findings: Iterable[Finding]) -> list[Repair]:
    """What would mend them, each once, in an order in which one can build on another."""
    wanted = dict.fromkeys(finding.repair for finding in findings if finding.repair is not None)
    return sorted(wanted, key=lambda repair: _ORDER.index(type(repair)))


_ORDER = [Resend, ResendOne, SayTimeIsOver, RefundOrder, RefundCharge]


class Mender:
    """Mends. `say` hears what was done, in words."""

    def __init__(self, stores: Stores, addresses: Addresses, say: Callable[[str], None]) -> None:
        self._stores = stores
        self._addresses = addresses
        self._say = say

    async def mend(self, repairs: Sequence[Repair]) -> None:
        """Do them all. What cannot be done is said, and the next audit tells of it. Raises Away."""
        again: dict[str, list[Resend]] = defaultdict(list)
        for repair in repairs:
            match repair:
                case Resend(stream=stream):
                    again[stream].append(repair)
                case ResendOne():
                    await self._resend_one(repair)
                case SayTimeIsOver(order=order):
                    await self._say_time_is_over(order)
                case RefundOrder():
                    await self._refund_order(repair)
                case RefundCharge(charge=charge, order=order):
                    await self._refund_charge(charge, order)
        for stream, wanted in again.items():
            await self._resend(stream, wanted)

    async def _resend(self, stream: str, wanted: Sequence[Resend]) -> None:
        """Tell again what one reading of the stream finds of some documents, in its order."""
        by_key: dict[str, list[Resend]] = defaultdict(list)
        for repair in wanted:
            by_key[repair.key].append(repair)
        told: Counter[Resend] = Counter()
        async for batch in messages.batches(self._stores.js, stream):
            for message in batch:
                for repair in (one for key in _keys(message) for one in by_key.get(key, ())):
                    if fields(message).get("version", 0) > repair.after:
                        await self._tell_again(repair.service, message)
                        told[repair] += 1
        for repair in wanted:
            gone = "" if told[repair] else "; the stream holds none any more: see docs/audit.md"
            events = f"{told[repair]} {stream} events of {repair.key}"
            self._say(f"Told {repair.service} {events} again{gone}")

    async def _resend_one(self, wanted: ResendOne) -> None:
        message = await messages.at(self._stores.js, wanted.stream, wanted.sequence)
        if message is None:
            self._say(f"The {wanted.stream} stream does not hold event {wanted.sequence} any more")
            return
        await self._tell_again(wanted.service, message)
        self._say(f"Told {wanted.service} {message.subject} {event_id(message)} again")

    async def _tell_again(self, service: str, message: Message) -> None:
        """Under its own event's id, so that nothing that it has done is done a second time."""
        assert message.stream not in SECRET_STREAMS
        headers = {
            name: value for name, value in message.headers.items() if not name.startswith("Nats-")
        }
        try:
            await publish_replay(
                self._stores.js,
                service,
                message.subject,
                message.body,
                headers,
                id=f"audit:{uuid4()}",
            )
        except (NatsError, OSError) as error:
            raise Away("NATS", error) from error

    async def _say_time_is_over(self, order: str) -> None:
        """As expiration says it, under the same id; and what payments has said of the order."""
        await self._resend("PAYMENT", [Resend("orders", "PAYMENT", order)])
        event = ExpirationCompleted(order_id=order)
        envelope = Envelope.seal(event, id=order, time=utc_now(), trace={})
        message = Message(
            "EXPIRATION", 0, utc_now(), envelope.subject, envelope.headers, envelope.body
        )
        await self._tell_again("orders", message)
        self._say(f"Told orders that the time of order {order} is over")

    async def _refund_charge(self, charge: str, order: str) -> None:
        try:
            await self._stores.stripe.refund(charge, order)
        except Refusal as refusal:  # such as while a dispute is open
            self._say(f"Charge {charge} cannot be refunded: {refusal}")
        else:
            self._say(f"Refunded charge {charge}")

    async def _refund_order(self, repair: RefundOrder) -> None:
        """By payments' own rules, which tell the buyer."""
        words = ["refund", repair.order, "--reason", repair.reason]
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "payments", *words),
            env={**os.environ, **_payments_environment(self._addresses)},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            async with asyncio.timeout(REFUND_SECONDS):
                told, _ = await process.communicate()
        except TimeoutError:
            process.kill()
            await process.wait()
            told = b"payments did not answer in time"
        lines = told.decode(errors="replace").strip().splitlines() or [""]
        self._say(f"Refund of order {repair.order}: {lines[-1]}")


def _keys(message: Message) -> set[str]:
    """The documents that a message is about."""
    told = fields(message)
    return {str(told[name]) for name in ("id", "orderId") if name in told}


def _payments_environment(addresses: Addresses) -> dict[str, str]:
    """What payments' own commands read. They neither sign sessions nor hear webhooks."""
    unused = secrets.token_urlsafe(48)
    env = {
        "MONGO_URI": addresses.mongo_uri("payments"),
        "NATS_URL": addresses.nats_url,
        "STRIPE_KEY": addresses.stripe_key.get_secret_value(),
        "JWT_KEY": unused,
        "STRIPE_WEBHOOK_SECRET": unused,
    }
    if addresses.stripe_api_base is not None:
        env["STRIPE_API_BASE"] = addresses.stripe_api_base
    return env
