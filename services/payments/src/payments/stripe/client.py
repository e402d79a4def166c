"""The client of Stripe's API: PaymentIntents, refunds and events."""

from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

import stripe
from stripe import RequestOptions
from stripe.params import EventListParams, PaymentIntentCreateParams

from payments.domain.documents import FailureCause, Order, Payment
from payments.domain.state_machine import Intent, Refunds
from payments.settings import PaymentsSettings
from payments.stripe.buyer_messages import NOT_READ, TRY_AGAIN, buyer_message
from ticketing_common.circuit_breaker import CircuitBreaker, CircuitOpen

P = ParamSpec("P")
T = TypeVar("T")

TIMEOUT_SECONDS = 10
MAX_METADATA_LENGTH = 500
"""Stripe's limit of one metadata value."""
EXPAND = ["latest_charge.refunds"]
"""The fields that a retrieved intent contains in full: its charge and the charge's refunds."""


class StripeUnavailable(Exception):
    """The result of a call is unknown. Repeating the call is safe."""


class StripeRefusal(Exception):
    """Stripe refuses a call, now and later. The message is for the buyer."""

    def __init__(self, message: str, cause: FailureCause = FailureCause.REFUSED) -> None:
        super().__init__(message)
        self.message = message
        self.cause = cause


def _with_circuit_breaker(
    call: Callable[Concatenate["StripeClient", P], Coroutine[Any, Any, T]],
) -> Callable[Concatenate["StripeClient", P], Coroutine[Any, Any, T]]:
    """Raise StripeUnavailable without a call while the circuit is open."""

    @wraps(call)
    async def wrapper(self: "StripeClient", /, *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await self._breaker.call(call, self, *args, **kwargs)
        except CircuitOpen as error:
            raise StripeUnavailable(str(error)) from None

    return wrapper


class StripeClient:
    """Calls Stripe, or a stand-in at `api_base`. All methods raise StripeUnavailable.

    An intent is created unconfirmed, and confirmed after its id is stored. So every charge, even
    one whose response is lost, can be found by that id.
    """

    def __init__(self, key: str, api_base: str | None = None) -> None:
        addresses: Any = {"api": api_base} if api_base is not None else {}
        self._http = stripe.HTTPXClient(timeout=TIMEOUT_SECONDS)
        self._client = stripe.StripeClient(
            key,
            base_addresses=addresses,
            http_client=self._http,
            max_network_retries=1,
        )
        self._intents = self._client.v1.payment_intents
        self._breaker = CircuitBreaker("Stripe", lambda error: isinstance(error, StripeUnavailable))

    @classmethod
    @asynccontextmanager
    async def connected(cls, settings: PaymentsSettings) -> AsyncIterator["StripeClient"]:
        """Provide a client for the block."""
        client = cls(settings.stripe_key.get_secret_value(), settings.stripe_api_base)
        try:
            yield client
        finally:
            await client.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close_async()  # type: ignore[no-untyped-call]

    def require_available(self) -> None:
        """Raise CircuitOpen while calls are refused."""
        self._breaker.check()

    @_with_circuit_breaker
    async def create_intent(self, payment: Payment, order: Order) -> Intent:
        """Create the payment's intent, or return the one that exists. Raises: StripeRefusal."""
        try:
            created = await self._create_intent(payment, order)
        except stripe.CardError as error:
            raise StripeRefusal(_message_of(error), FailureCause.DECLINED) from error
        except stripe.IdempotencyError as error:  # an older release sent other parameters
            raise StripeRefusal(TRY_AGAIN, FailureCause.DECLINED) from error
        except stripe.InvalidRequestError as error:
            is_token = (error.param or "").startswith("payment_method")
            if is_token:
                raise StripeRefusal(NOT_READ, FailureCause.INVALID_TOKEN) from error
            raise StripeRefusal(_message_of(error)) from error
        except stripe.StripeError as error:
            if _is_replayed(error):
                raise StripeRefusal(TRY_AGAIN, FailureCause.DECLINED) from error
            raise StripeUnavailable(type(error).__name__) from error
        return _parse_intent(created.to_dict())

    async def _create_intent(self, payment: Payment, order: Order) -> stripe.PaymentIntent:
        params = _intent_params(payment, order)
        options: RequestOptions = {"idempotency_key": payment.stripe_key}
        try:
            return await self._intents.create_async(params, options)
        except stripe.InvalidRequestError as error:
            if error.param != "receipt_email":
                raise
        # Stripe accepts fewer e-mail addresses than auth. It keeps no key of a refused request.
        del params["receipt_email"]
        return await self._intents.create_async(params, options)

    @_with_circuit_breaker
    async def retrieve_intent(self, intent_id: str) -> Intent:
        """Return the intent with its refunds."""
        with _stripe_errors():
            intent = await self._intents.retrieve_async(intent_id, {"expand": EXPAND})
        return _parse_intent(intent.to_dict(), with_refunds=True)

    @_with_circuit_breaker
    async def confirm_intent(self, intent_id: str, key: str) -> Intent:
        """Charge the buyer. An intent that was confirmed before is only retrieved."""
        try:
            with _stripe_errors():
                confirmed = await self._intents.confirm_async(
                    intent_id, {"use_stripe_sdk": True}, {"idempotency_key": key}
                )
        except stripe.CardError as error:
            intent = _intent_of_error(error)
            if intent is None:
                return await self.retrieve_intent(intent_id)
            return _parse_intent(intent, message=_message_of(error))
        except stripe.InvalidRequestError as error:
            found = await self.retrieve_intent(intent_id)
            if found.status != "requires_confirmation":
                return found
            # Stripe will not confirm it later either.
            return await self.cancel_intent(intent_id, message=_message_of(error))
        return _parse_intent(confirmed.to_dict())

    @_with_circuit_breaker
    async def cancel_intent(self, intent_id: str, message: str | None = None) -> Intent:
        """Cancel the intent so that it never charges. Returns it unchanged if it has ended."""
        try:
            with _stripe_errors():
                cancelled = await self._intents.cancel_async(
                    intent_id, {"cancellation_reason": "abandoned"}
                )
        except stripe.InvalidRequestError:
            return await self.retrieve_intent(intent_id)
        return _parse_intent(cancelled.to_dict(), message=message)

    @_with_circuit_breaker
    async def refund(self, payment: Payment, intent_id: str) -> Intent:
        """Refund the rest of the charge. Raises: StripeRefusal, e.g. during a dispute."""
        metadata: dict[str, str] = {
            "payment_id": str(payment.id),
            "order_id": payment.order_id,
            "why": (payment.reason or "")[:MAX_METADATA_LENGTH],
        }
        try:
            with _stripe_errors():
                await self._client.v1.refunds.create_async(
                    {
                        "payment_intent": intent_id,
                        "reason": "requested_by_customer",
                        "metadata": metadata,
                    },
                    {"idempotency_key": payment.stripe_key_for(f"refund-{payment.refund_attempt}")},
                )
        except (stripe.CardError, stripe.InvalidRequestError) as error:
            if error.code != "charge_already_refunded":
                message = error.user_message or "Stripe refused the refund"
                raise StripeRefusal(message) from error
        return await self.retrieve_intent(intent_id)

    async def list_events(
        self, types: list[str], since: datetime, until: datetime
    ) -> AsyncIterator[dict[str, Any]]:
        """Yield Stripe's events of a period, the newest first. Stripe lists them for 30 days."""
        params: EventListParams = {
            "types": types,
            "created": {"gte": int(since.timestamp()), "lte": int(until.timestamp())},
            "limit": 100,
        }
        with _stripe_errors():
            page = await self._client.v1.events.list_async(params)
            async for event in page.auto_paging_iter():
                yield event.to_dict()


@contextmanager
def _stripe_errors() -> Iterator[None]:
    """Turn every error into StripeUnavailable, except Stripe's answers to an invalid request."""
    try:
        yield
    except (stripe.CardError, stripe.InvalidRequestError):
        raise
    except stripe.StripeError as error:
        raise StripeUnavailable(type(error).__name__) from error


def _is_replayed(error: stripe.StripeError) -> bool:
    """Return whether Stripe keeps this error under the idempotency key, and repeats it."""
    return {**(error.headers or {})}.get("idempotent-replayed") == "true"


def _body_of(error: stripe.StripeError) -> dict[str, Any]:
    body: Any = error.json_body or {}
    found: dict[str, Any] = body.get("error", {})
    return found


def _message_of(error: stripe.StripeError) -> str:
    return buyer_message(_body_of(error))


def _intent_of_error(error: stripe.CardError) -> dict[str, Any] | None:
    intent: dict[str, Any] | None = _body_of(error).get("payment_intent")
    return intent


def _parse_intent(
    intent: dict[str, Any], message: str | None = None, *, with_refunds: bool = False
) -> Intent:
    if message is None and (payment_error := intent.get("last_payment_error")) is not None:
        message = buyer_message(payment_error)
    charge = intent.get("latest_charge")
    refunds = charge["refunds"]["data"] if with_refunds and isinstance(charge, dict) else []
    return Intent(
        id=intent["id"],
        status=intent["status"],
        client_secret=intent.get("client_secret"),
        message=message,
        refunds=_parse_refunds(refunds) if with_refunds else None,
        amount=intent["amount_received" if intent["status"] == "succeeded" else "amount"],
        currency=intent["currency"],
    )


def _parse_refunds(refunds: list[dict[str, Any]]) -> Refunds:
    def total(*statuses: str) -> int:
        return sum(refund["amount"] for refund in refunds if refund["status"] in statuses)

    return Refunds(
        succeeded=total("succeeded"),
        pending=total("pending", "requires_action"),
        failed_count=sum(refund["status"] in ("failed", "canceled") for refund in refunds),
    )


def _intent_params(payment: Payment, order: Order) -> PaymentIntentCreateParams:
    """Return the parameters of the intent, always the same: Stripe compares them by the key."""
    token = payment.token or ""
    params: PaymentIntentCreateParams = {
        "amount": payment.amount,
        "currency": payment.currency,
        "allowed_payment_method_types": ["card"],
        "description": f"{order.title} (order {payment.order_id})",
        "statement_descriptor_suffix": f"ORD {payment.order_id[-6:].upper()}",
        "metadata": {
            "payment_id": str(payment.id),
            "order_id": payment.order_id,
            "ticket_id": payment.ticket_id,
            "user_id": payment.user_id,
        },
    }
    if payment.receipt_email is not None:
        params["receipt_email"] = payment.receipt_email
    if token.startswith("tok_"):
        params["payment_method_data"] = {"type": "card", "card": {"token": token}}  # type: ignore[typeddict-unknown-key]
    else:
        params["payment_method"] = token
    return params
