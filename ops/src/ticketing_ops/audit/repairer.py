"""Executing repairs: sending events again and refunding. No document is changed directly."""

import asyncio
import shlex
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from uuid import uuid4

from ticketing_common.events import Envelope, ExpirationCompleted, utc_now
from ticketing_common.messaging.replay import publish_replay
from ticketing_common.messaging.streams import SECRET_STREAMS, stream_of
from ticketing_ops import payments
from ticketing_ops.audit.findings import Finding
from ticketing_ops.audit.repairs import (
    REPAIR_ORDER,
    ExpireOrder,
    RefundCharge,
    RefundOrder,
    Repair,
    ResendEvent,
    ResendEvents,
)
from ticketing_ops.audit.stores import Stores
from ticketing_ops.audit.streams import nats_errors, read_batches, read_message
from ticketing_ops.audit.stripe import StripeRefused
from ticketing_ops.connections import Connections
from ticketing_ops.events.reading import Message

REFUND_SECONDS = 60
"""Streams whose events have a secret. A replay would keep the secret for too long."""


def repairs_of(findings: Iterable[Finding]) -> list[Repair]:
    """Return the distinct repairs of findings, in the order in which they run."""
    repairs = dict.fromkeys(finding.repair for finding in findings if finding.repair is not None)
    return sorted(repairs, key=lambda repair: REPAIR_ORDER.index(type(repair)))


class Repairer:
    """Executes repairs. `report` gets a line for each result."""

    def __init__(
        self, stores: Stores, connections: Connections, report: Callable[[str], None]
    ) -> None:
        self._stores = stores
        self._connections = connections
        self._report = report

    async def run(self, repairs: Sequence[Repair]) -> None:
        """Execute repairs. A repair that fails is reported; the next audit finds it again.

        Raises:
            StoreUnavailable: A store is unavailable.
        """
        by_stream: dict[str, list[ResendEvents]] = defaultdict(list)
        for repair in repairs:
            match repair:
                case ResendEvents(stream=stream):
                    by_stream[stream].append(repair)
                case ResendEvent():
                    await self._resend_event(repair)
                case ExpireOrder(order=order):
                    await self._expire_order(order)
                case RefundOrder():
                    await self._refund_order(repair)
                case RefundCharge(charge=charge, order=order):
                    await self._refund_charge(charge, order)
        for stream, resends in by_stream.items():
            await self._resend_events(stream, resends)

    async def _resend_events(self, stream: str, repairs: Sequence[ResendEvents]) -> None:
        """Read a stream once, and send the events of some documents in its order."""
        by_document: dict[str, list[ResendEvents]] = defaultdict(list)
        for repair in repairs:
            by_document[repair.document].append(repair)
        sent: Counter[ResendEvents] = Counter()
        async for batch in read_batches(self._stores.js, stream):
            for message in batch:
                for document in _documents(message):
                    for repair in by_document.get(document, ()):
                        if message.fields.get("version", 0) > repair.after:
                            await self._send(repair.service, message)
                            sent[repair] += 1
        for repair in repairs:
            hint = "" if sent[repair] else "; the stream no longer has any: see docs/audit.md"
            events = f"{sent[repair]} {stream} events of {repair.document}"
            self._report(f"Sent {events} to {repair.service} again{hint}")

    async def _resend_event(self, repair: ResendEvent) -> None:
        message = await read_message(self._stores.js, repair.stream, repair.sequence)
        if message is None:
            self._report(f"The stream {repair.stream} no longer has event {repair.sequence}")
            return
        await self._send(repair.service, message)
        self._report(f"Sent {message.subject} {message.event_id} to {repair.service} again")

    async def _send(self, service: str, message: Message) -> None:
        """Send an event with its own id, so that the service handles it once."""
        assert message.stream not in SECRET_STREAMS
        headers = {
            name: value for name, value in message.headers.items() if not name.startswith("Nats-")
        }
        with nats_errors():
            await publish_replay(
                self._stores.js,
                service,
                message.subject,
                message.body,
                headers,
                id=f"audit:{uuid4()}",
            )

    async def _expire_order(self, order: str) -> None:
        """Send orders the payment events of an order, then its expiration with expiration's id."""
        await self._resend_events("PAYMENT", [ResendEvents("orders", "PAYMENT", order)])
        event = ExpirationCompleted(order_id=order)
        envelope = Envelope.encode(event, id=order, time=utc_now(), trace={})
        message = Message(
            stream_of(ExpirationCompleted),
            0,
            utc_now(),
            envelope.subject,
            envelope.headers,
            envelope.body,
        )
        await self._send("orders", message)
        self._report(f"Sent the expiration of order {order} to orders")

    async def _refund_charge(self, charge: str, order: str) -> None:
        try:
            await self._stores.stripe.refund(charge, order)
        except StripeRefused as error:  # for example while a dispute is open
            self._report(f"Charge {charge} cannot be refunded: {error}")
        else:
            self._report(f"Refunded charge {charge}")

    async def _refund_order(self, repair: RefundOrder) -> None:
        """Run the payments service's command, which informs the buyer."""
        arguments = ["refund", repair.order, "--reason", repair.reason]
        if not payments.is_installed():
            self._report(
                f"Refund of order {repair.order}: the payments service is not installed here. "
                f"Run `infra/run-job.sh payments-command {shlex.join(arguments)}`."
            )
            return
        process = await asyncio.create_subprocess_exec(
            *payments.command(*arguments),
            env=payments.environment(self._connections),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            async with asyncio.timeout(REFUND_SECONDS):
                output, _ = await process.communicate()
        except TimeoutError:
            process.kill()
            await process.wait()
            output = b"the payments command timed out"
        lines = output.decode(errors="replace").strip().splitlines() or [""]
        self._report(f"Refund of order {repair.order}: {lines[-1]}")


def _documents(message: Message) -> set[str]:
    """Return the ids of the documents that a message is about."""
    return {str(message.fields[name]) for name in ("id", "orderId") if name in message.fields}
