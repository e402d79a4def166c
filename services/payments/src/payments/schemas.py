"""What payments' routes take and give."""

from typing import Annotated

from fastapi import Path, Query
from pydantic import StringConstraints

from ticketing_common.events import Id, Price
from ticketing_common.events.payments import PaymentStatus
from ticketing_common.web.schemas import ApiModel

StripeToken = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9_]+$", min_length=1, max_length=255)
]
PaymentId = Annotated[Id, Path(alias="paymentId")]
OfOrder = Annotated[Id, Query(alias="orderId")]


class NewPayment(ApiModel):
    order_id: Id
    token: StripeToken
    """A Stripe token (tok_...) or payment method (pm_...)."""


class PaymentOut(ApiModel):
    """A payment that was made."""

    id: Id
    order_id: Id
    stripe_id: str


class Unconfirmed(ApiModel):
    """A payment that waits for the buyer: `stripe.handleNextAction({clientSecret})`."""

    id: Id
    order_id: Id
    client_secret: str


class PaymentState(ApiModel):
    """How a try to pay an order stands."""

    id: Id
    order_id: Id
    stripe_id: str | None
    status: PaymentStatus
    price: Price
    currency: str
    message: str | None
    """Why it failed, in words for the buyer."""
    reason: str | None
    """Why it is given back, in words for the buyer."""


class PaymentShown(PaymentState):
    client_secret: str | None = None
    """While it waits for the buyer to confirm it."""
