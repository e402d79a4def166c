"""`python -m payments`: what an operator does about money, in the service's own environment."""

import argparse
import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from payments.app import DOCUMENTS
from payments.domain import rules
from payments.domain.documents import Payment
from payments.jobs.reconciliation import KEPT, missed, spans
from payments.jobs.settlement import Processor
from payments.settings import PaymentsSettings
from payments.stripe.client import Gateway, NoAnswer
from ticketing_common.errors import ServiceError
from ticketing_common.events import utc_now
from ticketing_common.persistence.database import connected


async def reconcile(gateway: Gateway, since: timedelta) -> None:
    """Take in what Stripe told and we have not heard."""
    told = 0
    for begin, end in spans(utc_now() - since):
        async for event in missed(gateway, begin, end):
            told += 1
            _say(f"missed  {event.id}  {event.type}  {event.data.object.intent_id or ''}")
    _say(f"{told} events were missed." if told else "No event was missed.")


async def refund(processor: Processor, order_id: str, reason: str) -> None:
    """Give back what was paid for an order, in full. Raises NotFound, NotRefundable."""
    payment = await rules.refund(order_id, reason)
    try:
        payment, _ = await processor.settle(payment)
    except NoAnswer:
        _say("Stripe does not answer now: the service goes on asking.")
    _say(_line(payment))


async def show(order_id: str) -> None:
    """How the payments for an order stand."""
    payments = await Payment.of_order(order_id)
    for payment in payments:
        _say(_line(payment))
    if not payments:
        _say(f"There is no payment for an order {order_id}.")


def _line(payment: Payment) -> str:
    told = [
        f"{payment.id}  {payment.status}  {payment.price} {payment.currency}",
        payment.stripe_id or "",
        "disputed" if payment.disputed else "",
        payment.message or payment.reason or "",
        payment.problem or "",
    ]
    return "  ".join(part for part in told if part)


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - what a command has to say


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="payments", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    reconciling = commands.add_parser("reconcile", help="take in what Stripe's webhooks missed")
    reconciling.add_argument(
        "--hours", type=float, default=24, help="how far back to look, 24 if left out, at most 720"
    )
    refunding = commands.add_parser("refund", help="give back what was paid for an order")
    refunding.add_argument("order", help="the order's id")
    refunding.add_argument("--reason", required=True, help="why, in words that the buyer reads")
    showing = commands.add_parser("show", help="how the payments for an order stand")
    showing.add_argument("order", help="the order's id")
    return parser.parse_args()


@asynccontextmanager
async def _stripe(settings: PaymentsSettings) -> AsyncIterator[Gateway]:
    gateway = Gateway(settings.stripe_key.get_secret_value(), settings.stripe_api_base)
    try:
        yield gateway
    finally:
        await gateway.close()


async def _main(asked: argparse.Namespace) -> None:
    settings = PaymentsSettings.read("payments")
    async with connected(settings.mongo_uri, DOCUMENTS), _stripe(settings) as gateway:
        match asked.command:
            case "reconcile":
                await reconcile(gateway, min(timedelta(hours=asked.hours), KEPT))
            case "refund":
                processor = Processor(gateway, settings.currency, settings.grace)
                await refund(processor, asked.order, asked.reason)
            case "show":
                await show(asked.order)


if __name__ == "__main__":
    try:
        asyncio.run(_main(_arguments()))
    except NoAnswer as error:
        sys.exit(f"Stripe does not answer ({error}). Nothing is lost: try again later.")
    except ServiceError as error:
        sys.exit(error.message)
