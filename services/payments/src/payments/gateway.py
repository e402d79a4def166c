"""Stripe, as far as we need it."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import stripe
from stripe.params import PaymentIntentCreateParams

from payments.models import CURRENCY, Payment
from ticketing_common.events import utc_now

SECONDS = 10
KEY_KEPT = timedelta(hours=23)
"""Stripe keeps a key for a day. After that the same key charges again, so we ask without it."""


@dataclass(frozen=True)
class Paid:
    stripe_id: str


@dataclass(frozen=True)
class Declined:
    """The bank said no, in words for the buyer. Nothing was charged."""

    message: str


@dataclass(frozen=True)
class Refused:
    """Stripe did not ask the bank, for a fault in the token or the amount. Nothing was charged."""

    message: str
    token_is_to_blame: bool


Result = Paid | Declined | Refused


class NoAnswer(Exception):
    """Whether there is a charge is not known; to ask again with the same key is safe."""


class Gateway:
    """Talks to Stripe, or to a stand-in at `api_base`, in the same way."""

    def __init__(self, key: str, api_base: str | None) -> None:
        addresses: Any = {"api": api_base} if api_base is not None else {}
        self._connections = stripe.HTTPXClient(timeout=SECONDS)
        self._client = stripe.StripeClient(
            key,
            base_addresses=addresses,
            http_client=self._connections,
            max_network_retries=1,
        )

    async def charge(self, payment: Payment) -> Result:
        """Charge the buyer, or hear how the same charge went before. Raises NoAnswer."""
        if utc_now() - payment.id.generation_time > KEY_KEPT:
            return await self._find(payment)
        try:
            intent = await self._client.v1.payment_intents.create_async(
                _params(payment), {"idempotency_key": payment.idempotency_key}
            )
        except stripe.CardError as error:
            return Declined(error.user_message or "Your card was declined.")
        except stripe.IdempotencyError as error:
            raise NoAnswer(type(error).__name__) from error
        except stripe.InvalidRequestError as error:
            return Refused(
                error.user_message or "Stripe refused the payment",
                token_is_to_blame=(error.param or "").startswith("payment_method"),
            )
        except stripe.StripeError as error:
            if _is_kept(error):
                return await self._find(payment)
            raise NoAnswer(type(error).__name__) from error
        return _outcome(intent)

    async def _find(self, payment: Payment) -> Result:
        """How a charge went whose key tells nothing, or nothing but an old failure."""
        since = payment.id.generation_time - timedelta(minutes=5)  # for clocks that differ
        try:
            page = await self._client.v1.payment_intents.list_async(
                {"created": {"gte": int(since.timestamp())}, "limit": 100}
            )
            async for intent in page.auto_paging_iter():
                if intent.to_dict()["metadata"].get("payment_id") == str(payment.id):
                    return _outcome(intent)
        except stripe.StripeError as error:
            raise NoAnswer(type(error).__name__) from error
        return Declined("An error occurred while processing your card. Try again in a little bit.")

    async def close(self) -> None:
        """Disconnect."""
        await self._connections.close_async()  # type: ignore[no-untyped-call]


def _is_kept(failure: stripe.StripeError) -> bool:
    """Whether Stripe keeps a failure of its own under the key, to be given again for a day."""
    return {**(failure.headers or {})}.get("idempotent-replayed") == "true"


def _outcome(intent: stripe.PaymentIntent) -> Result:
    if intent.status == "succeeded":
        return Paid(intent.id)
    if intent.status in ("requires_payment_method", "canceled"):
        return Declined("Your card was declined.")
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
        "allowed_payment_method_types": ["card"],
        "description": f"Ticket order {payment.order_id}",
        "metadata": {
            "payment_id": str(payment.id),
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
