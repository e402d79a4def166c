"""Stripe's errors: one JSON shape, distinguished by type and code."""

from typing import Any

Json = dict[str, Any]


class StripeError(Exception):
    """An error response.

    `saved` is true for the outcome of a request that began to execute. Such an outcome is committed
    with its effects and saved under the idempotency key. Any other error is rolled back.
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


def invalid_request(
    message: str, *, code: str | None = None, param: str | None = None
) -> StripeError:
    """Return a 400 for a request that does not begin to execute."""
    return StripeError(400, "invalid_request_error", message, code=code, param=param)


def state_conflict(
    message: str, *, code: str | None = None, param: str | None = None
) -> StripeError:
    """Return a 400 for a valid request that the current state forbids; saved under its key."""
    return StripeError(400, "invalid_request_error", message, code=code, param=param, saved=True)


def resource_missing(kind: str, object_id: str, *, param: str, status: int = 400) -> StripeError:
    """Return the error for an unknown id: 404 in the path, 400 in a parameter."""
    return StripeError(
        status,
        "invalid_request_error",
        f"No such {kind}: '{object_id}'",
        code="resource_missing",
        param=param,
    )


def unexpected_state(message: str, intent: Json) -> StripeError:
    """Return the error for a PaymentIntent whose status forbids the request."""
    return StripeError(
        400,
        "invalid_request_error",
        message,
        code="payment_intent_unexpected_state",
        saved=True,
        payment_intent=intent,
    )


def injected_error(status: int) -> StripeError:
    """Return an error for fault injection, with Stripe's message for the status."""
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
