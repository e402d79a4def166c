"""Stripe, as far as we need it."""

from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

import stripe
from stripe import RequestOptions
from stripe.params import EventListParams, PaymentIntentCreateParams

from payments.domain.documents import Fault, Order, Payment
from payments.domain.state_machine import Intent, Refunds
from ticketing_common.circuit_breaker import CircuitBreaker, CircuitOpen

P = ParamSpec("P")
T = TypeVar("T")

SECONDS = 10
TOLERANCE_SECONDS = 300
"""How old a signature may be: Stripe's own default. Stripe signs each redelivery anew."""
METADATA = 500
"""How long a value of an object's metadata may be."""
WHOLE = ["latest_charge.refunds"]
"""What a look at an intent asks for beside the intent: what became of the money."""


class NoAnswer(Exception):
    """How it stands at Stripe is not known; to ask again is safe."""


class Refused(Exception):
    """Stripe will not do it, for this reason, in words for the buyer."""

    def __init__(self, message: str, fault: Fault = Fault.REFUSED) -> None:
        super().__init__(message)
        self.message = message
        self.fault = fault


def _breakable(
    ask: Callable[Concatenate["Gateway", P], Coroutine[Any, Any, T]],
) -> Callable[Concatenate["Gateway", P], Coroutine[Any, Any, T]]:
    """Have no call made while Stripe is left alone: NoAnswer, at once."""

    @wraps(ask)
    async def wrapper(self: "Gateway", /, *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await self.breaker.call(ask, self, *args, **kwargs)
        except CircuitOpen as error:
            raise NoAnswer(str(error)) from None

    return wrapper


class Gateway:
    """Talks to Stripe, or to a stand-in at `api_base`, in the same way. All raise NoAnswer.

    An intent is made first and confirmed when its id is known here: whatever is lost or killed
    on the way, no charge can be made that we could not find by that id.
    """

    def __init__(self, key: str, api_base: str | None) -> None:
        addresses: Any = {"api": api_base} if api_base is not None else {}
        self._connections = stripe.HTTPXClient(timeout=SECONDS)
        self._client = stripe.StripeClient(
            key,
            base_addresses=addresses,
            http_client=self._connections,
            max_network_retries=1,
        )
        self._intents = self._client.v1.payment_intents
        self.breaker = CircuitBreaker("Stripe", lambda error: isinstance(error, NoAnswer))

    @_breakable
    async def create(self, payment: Payment, order: Order) -> Intent:
        """Make the intent that would charge the buyer. Raises Refused."""
        try:
            made = await self._make(payment, order)
        except stripe.CardError as error:
            raise Refused(error.user_message or DECLINED, Fault.DECLINED) from error
        except stripe.IdempotencyError as error:  # an older version of us asked in other words
            raise Refused(TRY_AGAIN, Fault.DECLINED) from error
        except stripe.InvalidRequestError as error:
            blames_token = (error.param or "").startswith("payment_method")
            fault = Fault.BAD_TOKEN if blames_token else Fault.REFUSED
            raise Refused(error.user_message or "Stripe refused the payment", fault) from error
        except stripe.StripeError as error:
            if _is_kept(error):
                raise Refused(TRY_AGAIN, Fault.DECLINED) from error
            raise NoAnswer(type(error).__name__) from error
        return _read(made.to_dict())

    async def _make(self, payment: Payment, order: Order) -> stripe.PaymentIntent:
        params = _params(payment, order)
        options: RequestOptions = {"idempotency_key": payment.idempotency_key}
        try:
            return await self._intents.create_async(params, options)
        except stripe.InvalidRequestError as error:
            if error.param != "receipt_email":
                raise
        # An address that is good enough for us; under parameters that it refuses Stripe keeps none.
        del params["receipt_email"]
        return await self._intents.create_async(params, options)

    @_breakable
    async def look(self, intent_id: str) -> Intent:
        """How the intent stands, and what became of the money."""
        with _answered():
            found = await self._intents.retrieve_async(intent_id, {"expand": WHOLE})
        return _read(found.to_dict(), looked=True)

    @_breakable
    async def confirm(self, intent_id: str, key: str) -> Intent:
        """Ask the bank. One that was asked already is not asked again."""
        try:
            with _answered():
                confirmed = await self._intents.confirm_async(
                    intent_id, {"use_stripe_sdk": True}, {"idempotency_key": key}
                )
        except stripe.CardError as error:
            intent = _intent_in(error)
            if intent is None:
                return await self.look(intent_id)
            return _read(intent, message=error.user_message)
        except stripe.InvalidRequestError as error:
            found = await self.look(intent_id)
            if found.status != "requires_confirmation":
                return found
            # What Stripe will not ask the bank for now, it will not later.
            return await self.cancel(intent_id, message=error.user_message)
        return _read(confirmed.to_dict())

    @_breakable
    async def cancel(self, intent_id: str, message: str | None = None) -> Intent:
        """Make sure that it never charges anybody; one that has charged is found so."""
        try:
            with _answered():
                cancelled = await self._intents.cancel_async(
                    intent_id, {"cancellation_reason": "abandoned"}
                )
        except stripe.InvalidRequestError:
            return await self.look(intent_id)
        return _read(cancelled.to_dict(), message=message)

    @_breakable
    async def refund(self, payment: Payment, intent_id: str) -> Intent:
        """Give back all that has not been. Raises Refused, e.g. while a dispute is open."""
        why: dict[str, str] = {"payment_id": str(payment.id), "order_id": payment.order_id}
        try:
            with _answered():
                await self._client.v1.refunds.create_async(
                    {
                        "payment_intent": intent_id,
                        "reason": "requested_by_customer",
                        "metadata": why | {"why": (payment.reason or "")[:METADATA]},
                    },
                    {"idempotency_key": payment.key_for(f"refund-{payment.refund_number}")},
                )
        except (stripe.CardError, stripe.InvalidRequestError) as error:
            if error.code != "charge_already_refunded":
                raise Refused(error.user_message or "Stripe refused the refund") from error
        return await self.look(intent_id)

    async def events(
        self, types: list[str], since: datetime, until: datetime
    ) -> AsyncIterator[dict[str, Any]]:
        """What Stripe has told, or tried to, in a span of time: the newest first, page by page."""
        asked: EventListParams = {
            "types": types,
            "created": {"gte": int(since.timestamp()), "lte": int(until.timestamp())},
            "limit": 100,
        }
        with _answered():
            page = await self._client.v1.events.list_async(asked)
            async for event in page.auto_paging_iter():
                yield event.to_dict()

    async def close(self) -> None:
        """Disconnect."""
        await self._connections.close_async()  # type: ignore[no-untyped-call]


def is_signed(body: bytes, signature: str | None, secret: str) -> bool:
    """Whether Stripe sent this, and lately."""
    try:
        stripe.WebhookSignature.verify_header(body, signature, secret, TOLERANCE_SECONDS)
    except (stripe.SignatureVerificationError, UnicodeDecodeError):
        return False
    except TypeError:  # one that is not ASCII cannot be compared
        return False
    return True


DECLINED = "Your card was declined."
TRY_AGAIN = "An error occurred while processing your card. Try again in a little bit."


@contextmanager
def _answered() -> Iterator[None]:
    """Make NoAnswer of every error but those that are one."""
    try:
        yield
    except (stripe.CardError, stripe.InvalidRequestError):
        raise
    except stripe.StripeError as error:
        raise NoAnswer(type(error).__name__) from error


def _is_kept(failure: stripe.StripeError) -> bool:
    """Whether Stripe keeps a failure of its own under the key, to be given again for a day."""
    return {**(failure.headers or {})}.get("idempotent-replayed") == "true"


def _intent_in(error: stripe.CardError) -> dict[str, Any] | None:
    body: Any = error.json_body or {}
    intent: dict[str, Any] | None = body.get("error", {}).get("payment_intent")
    return intent


def _read(intent: dict[str, Any], message: str | None = None, *, looked: bool = False) -> Intent:
    problem = intent.get("last_payment_error") or {}
    charge = intent.get("latest_charge")
    made = charge["refunds"]["data"] if looked and isinstance(charge, dict) else []
    return Intent(
        id=intent["id"],
        status=intent["status"],
        client_secret=intent.get("client_secret"),
        message=message or problem.get("message"),
        refunds=_refunds(made) if looked else None,
    )


def _refunds(made: list[dict[str, Any]]) -> Refunds:
    def total(*statuses: str) -> int:
        return sum(one["amount"] for one in made if one["status"] in statuses)

    return Refunds(
        done=total("succeeded"),
        pending=total("pending", "requires_action"),
        failed=sum(one["status"] in ("failed", "canceled") for one in made),
    )


def _params(payment: Payment, order: Order) -> PaymentIntentCreateParams:
    """The same for every asking: Stripe refuses a key that comes with other parameters."""
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
