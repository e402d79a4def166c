"""Stripe, as far as we need it."""

from dataclasses import dataclass
from typing import Any

import stripe
from stripe.params import PaymentIntentCreateParams

from payments.models import CURRENCY, Payment

SECONDS = 10


@dataclass(frozen=True)
class Paid:
    stripe_id: str


@dataclass(frozen=True)
class Refused:
    """Nothing was charged. `declined`: the bank's word, not a fault in the request."""

    message: str
    declined: bool


class NoAnswer(Exception):
    """Whether there is a charge is not known; to ask again with the same key is safe."""


class Gateway:
    """Talks to Stripe, or to a stand-in at `api_base`, in the same way."""

    def __init__(self, key: str, api_base: str | None) -> None:
        addresses: Any = {"api": api_base} if api_base is not None else {}
        self._client = stripe.StripeClient(
            key,
            base_addresses=addresses,
            http_client=stripe.HTTPXClient(timeout=SECONDS),
            max_network_retries=1,
        )

    async def charge(self, payment: Payment) -> Paid | Refused:
        """Charge the buyer, or hear how the same charge went before. Raises NoAnswer."""
        try:
            intent = await self._client.v1.payment_intents.create_async(
                _params(payment), {"idempotency_key": payment.idempotency_key}
            )
        except stripe.CardError as error:
            return Refused(error.user_message or "Your card was declined.", declined=True)
        except stripe.IdempotencyError as error:
            raise NoAnswer(type(error).__name__) from error
        except stripe.InvalidRequestError as error:
            if error.http_status == 409:  # the first request with the key is still at it
                raise NoAnswer("Conflict") from error
            return Refused(error.user_message or "Stripe refused the payment", declined=False)
        except stripe.StripeError as error:
            raise NoAnswer(type(error).__name__) from error
        if intent.status == "succeeded":
            return Paid(intent.id)
        raise NoAnswer(f"The payment is {intent.status}")


def _params(payment: Payment) -> PaymentIntentCreateParams:
    """The same for every asking: Stripe refuses a key that comes with other parameters."""
    token = payment.token or ""
    params: PaymentIntentCreateParams = {
        "amount": payment.amount,
        "currency": CURRENCY,
        "confirm": True,
        # A bank that wants to ask the buyer counts as a decline here.
        "error_on_requires_action": True,
        "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
        "description": f"Ticket order {payment.order_id}",
        "metadata": {
            "order_id": payment.order_id,
            "ticket_id": payment.ticket_id,
            "user_id": payment.user_id,
        },
    }
    if token.startswith("tok_"):
        params["payment_method_data"] = {"type": "card", "card": {"token": token}}  # type: ignore[typeddict-unknown-key]
    else:
        params["payment_method"] = token
    return params
