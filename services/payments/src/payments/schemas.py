"""The request and response models of payments' routes."""

from typing import Annotated

from fastapi import Path, Query
from pydantic import StringConstraints

from ticketing_common.events import Id, PaymentStatus, Price, UtcTime
from ticketing_common.web.schemas import ApiModel, Normalized, VisibleText

StripeToken = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9_]+$", min_length=1, max_length=255)
]
Reason = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=200),
    Normalized,
    VisibleText,
]
"""Why a payment is refunded, as the buyer reads it."""
PaymentId = Annotated[Id, Path(alias="paymentId")]
OrderIdParam = Annotated[Id, Query(alias="orderId")]


class CreatePaymentRequest(ApiModel):
    order_id: Id
    token: StripeToken
    """A Stripe token (tok_...) or payment method (pm_...)."""


class CreatePaymentResponse(ApiModel):
    """A payment that succeeded."""

    id: Id
    order_id: Id
    stripe_id: str


class ConfirmPaymentResponse(ApiModel):
    """A payment that the buyer must confirm: `stripe.handleNextAction({clientSecret})`."""

    id: Id
    order_id: Id
    client_secret: str


class PaymentResponse(ApiModel):
    """One attempt to pay an order."""

    id: Id
    order_id: Id
    stripe_id: str | None
    status: PaymentStatus
    price: Price
    currency: str
    pay_by: UtcTime
    """The end of the time to confirm it. It is cancelled then."""
    message: str | None
    """Why it failed, for the buyer."""
    reason: str | None
    """Why it is refunded, for the buyer."""
    refunded_at: UtcTime | None


class PaymentDetailResponse(PaymentResponse):
    """One attempt to pay an order, with the secret to confirm it."""

    client_secret: str | None = None
    """Set while the buyer must confirm the payment."""
