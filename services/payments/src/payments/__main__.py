"""Show, refund and reconcile payments, with the environment of the service.

`ticketing payments` runs this command. In a cluster: `infra/run-job.sh payments-command ...`.
"""

import argparse
import asyncio
import sys
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError

from payments.app import DOCUMENTS
from payments.domain.documents import Payment
from payments.domain.refunds import refund_order
from payments.errors import NotRefundable
from payments.jobs.reconciliation import RETENTION, process_missed, windows
from payments.jobs.settlement import Settlement
from payments.schemas import Reason
from payments.settings import PaymentsSettings
from payments.stripe.client import StripeClient, StripeUnavailable
from ticketing_common.errors import NotFound, ServiceError
from ticketing_common.events import Id, utc_now
from ticketing_common.money import format_price
from ticketing_common.persistence.database import connected


async def reconcile(stripe: StripeClient, since: timedelta) -> None:
    """Process the Stripe events of the last hours whose webhook was missed."""
    missed = 0
    for begin, end in windows(utc_now() - since):
        async for event in process_missed(stripe, begin, end):
            missed += 1
            _print(f"missed  {event.id}  {event.type}  {event.data.object.intent_id or ''}")
    _print(f"{missed} events were missed." if missed else "No event was missed.")


async def refund(settlement: Settlement, order_id: str, reason: str) -> None:
    """Refund an order's payment in full. Raises: NotFound, NotRefundable, also by Stripe."""
    payment = await refund_order(order_id, reason)
    try:
        payment, _ = await settlement.settle(payment)
    except StripeUnavailable:
        _print("Stripe is not available now. The service makes the refund later.")
    _print(_line(payment))
    if payment.problem is not None:
        raise NotRefundable(f"The refund is not made: {payment.problem}")


async def show(order_id: str) -> None:
    """Print all attempts to pay an order. Raises: NotFound if there is none."""
    payments = await Payment.of_order(order_id)
    if not payments:
        raise NotFound(f"There is no payment for the order {order_id}")
    for payment in payments:
        _print(_line(payment))


def _line(payment: Payment) -> str:
    price = f"{format_price(payment.price)} {payment.currency.upper()}"
    columns = [
        f"{payment.id}  {payment.status}  {price}",
        payment.stripe_id or "",
        f"at {payment.refunded_at:%Y-%m-%d %H:%M UTC}" if payment.refunded_at else "",
        _dispute(payment),
        payment.message or payment.reason or "",
        payment.problem or "",
    ]
    return "  ".join(column for column in columns if column)


def _dispute(payment: Payment) -> str:
    if payment.charged_back:
        return "dispute lost: the bank has taken the money back"
    return "disputed" if payment.disputed else ""


def _print(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - the output of a command


def _checked(of_type: Any, problem: str) -> Callable[[str], Any]:
    """Return a function for argparse that reads an argument of a type of pydantic."""
    adapter = TypeAdapter(of_type)

    def read(text: str) -> Any:
        try:
            return adapter.validate_python(text)
        except ValidationError:
            raise argparse.ArgumentTypeError(problem) from None

    return read


_hours = _checked(Annotated[float, Field(ge=0, le=720)], "use 0 to 720 hours")
_order_id = _checked(Id, "use an id of 24 hex digits")
_reason = _checked(Reason, "use 1 to 200 visible characters, without controls")


def parse_arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line. Exits with status 2 if it is invalid."""
    parser = argparse.ArgumentParser(
        prog="payments", description="Show, refund and reconcile payments."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    reconciling = commands.add_parser(
        "reconcile", help="process Stripe events whose webhook was missed"
    )
    reconciling.add_argument(
        "--hours", type=_hours, default=24, help="how far back, 24 by default, at most 720"
    )
    refunding = commands.add_parser("refund", help="refund an order's payment in full")
    refunding.add_argument("order", type=_order_id, help="the order's id")
    refunding.add_argument(
        "--reason", type=_reason, required=True, help="the reason, which the buyer reads"
    )
    showing = commands.add_parser("show", help="show all attempts to pay an order")
    showing.add_argument("order", type=_order_id, help="the order's id")
    return parser.parse_args(arguments)


async def _main(arguments: argparse.Namespace) -> None:
    settings = PaymentsSettings.read("payments")
    async with (
        connected(settings.mongo_uri, DOCUMENTS),
        StripeClient.connected(settings) as stripe,
    ):
        match arguments.command:
            case "reconcile":
                await reconcile(stripe, min(timedelta(hours=arguments.hours), RETENTION))
            case "refund":
                settlement = Settlement(stripe, settings.currency, settings.grace)
                await refund(settlement, arguments.order, arguments.reason)
            case "show":
                await show(arguments.order)


if __name__ == "__main__":
    try:
        asyncio.run(_main(parse_arguments()))
    except StripeUnavailable as error:
        sys.exit(f"Stripe is not available ({error}). Nothing is lost: try again later.")
    except ServiceError as error:
        sys.exit(error.message)
