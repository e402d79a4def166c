"""What payments' routes take and give."""

from typing import Annotated

from pydantic import StringConstraints

from ticketing_common.events import Id
from ticketing_common.wire import Wire

StripeToken = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9_]+$", min_length=1, max_length=255)
]


class NewPayment(Wire):
    order_id: Id
    token: StripeToken
    """A Stripe token (tok_...) or payment method (pm_...)."""


class PaymentOut(Wire):
    id: Id
    order_id: Id
    stripe_id: str
