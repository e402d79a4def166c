"""Stripe's errors: one JSON shape, told apart by type and code."""

from typing import Any

Json = dict[str, Any]


class StripeError(Exception):
    """An answer other than 200.

    `saved` tells whether it is the outcome of a request that began to execute. Such an outcome is
    committed with its effects and kept under the idempotency key; any other leaves no trace.
    """

    def __init__(
        self,
        status: int,
        kind: str,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        saved: bool = False,
        **more: Any,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.saved = saved
        error: Json = {"type": kind, "message": message}
        if code:
            error["code"] = code
            error["doc_url"] = f"https://docs.stripe.com/error-codes#{code.replace('_', '-')}"
        if param:
            error["param"] = param
        error.update({name: value for name, value in more.items() if value is not None})
        self.error = error


def invalid(message: str, *, code: str | None = None, param: str | None = None) -> StripeError:
    """A request that Stripe refuses to begin: 400."""
    return StripeError(400, "invalid_request_error", message, code=code, param=param)


def not_now(message: str, *, code: str | None = None, param: str | None = None) -> StripeError:
    """A well-formed request that does not fit how things stand: also a 400, kept under its key."""
    return StripeError(400, "invalid_request_error", message, code=code, param=param, saved=True)


def no_such(kind: str, name: str, *, param: str, status: int = 400) -> StripeError:
    """An id that names nothing: 404 in the path, 400 in a parameter."""
    return StripeError(
        status,
        "invalid_request_error",
        f"No such {kind}: '{name}'",
        code="resource_missing",
        param=param,
    )


def unexpected_state(message: str, intent: Json) -> StripeError:
    """A PaymentIntent that is past, or not yet at, what is asked of it."""
    return StripeError(
        400,
        "invalid_request_error",
        message,
        code="payment_intent_unexpected_state",
        saved=True,
        payment_intent=intent,
    )


def injected(status: int) -> StripeError:
    """An error that a fault asked for, in the words that Stripe would use."""
    if status == 429:
        return StripeError(
            429,
            "invalid_request_error",
            "Request rate limit exceeded. Learn more about rate limits here "
            "https://docs.stripe.com/rate-limits.",
            code="rate_limit",
        )
    return StripeError(
        status,
        "api_error",
        "An unknown error occurred",
        saved=status >= 500,
    )
