"""Errors that the API returns: one response body, one class and one code per error."""

from pydantic import BaseModel, SerializeAsAny


class ErrorDetail(BaseModel):
    """One violated rule."""

    code: str
    """Stable and machine-readable, in snake_case. Compare this, never the message."""
    message: str
    field: str | None = None
    """The field at fault, if a single one is."""


class ErrorBody(BaseModel):
    """The body of every response that is not a success."""

    errors: list[SerializeAsAny[ErrorDetail]]


class ServiceError(Exception):
    """The service crashed. The response reveals nothing about it.

    Also the base class of all error responses. The docstring of each subclass describes when a
    client gets the error; docs/errors.md is generated from these classes.
    """

    status = 500
    code = "internal_error"
    message = "Something went wrong"

    def __init__(
        self,
        message: str | None = None,
        *,
        code: str | None = None,
        field: str | None = None,
        retry_after: int | None = None,
    ) -> None:
        self.message = message or self.message
        self.code = code or self.code
        self.field = field
        self.retry_after = retry_after
        super().__init__(self.message)

    def detail(self) -> ErrorDetail:
        """Return its entry in the response body."""
        return ErrorDetail(code=self.code, message=self.message, field=self.field)


class BadRequest(ServiceError):
    """The request is not well-formed, or not allowed in the current state."""

    status = 400
    code = "bad_request"
    message = "Bad request"


class NotAuthorized(ServiceError):
    """The request has no valid session."""

    status = 401
    code = "not_signed_in"
    message = "Not authorized"


class NotOwner(NotAuthorized):
    """The resource belongs to another user."""

    code = "not_owner"


class CrossOrigin(ServiceError):
    """A page of another origin sent a state-changing request (CSRF protection)."""

    status = 403
    code = "cross_origin"
    message = "Requests from other sites are refused"


class NotFound(ServiceError):
    """The resource does not exist, or is not known to this service yet."""

    status = 404
    code = "not_found"
    message = "Not found"


class Conflict(ServiceError):
    """Another request changed the same resource at the same time. Try again."""

    status = 409
    code = "conflict"
    message = "Somebody else changed it meanwhile. Try again."


class BodyTooLarge(ServiceError):
    """The request body is over 64 KiB."""

    status = 413
    code = "body_too_large"
    message = "The body is over 64 KiB"


class RateLimited(ServiceError):
    """Too many attempts. The next one is allowed after `Retry-After` seconds."""

    status = 429
    code = "rate_limited"
    message = "Too many attempts."

    def __init__(self, message: str | None = None, *, retry_after: int) -> None:
        default = f"{self.message} Try again in {_duration(retry_after)}."
        super().__init__(message or default, retry_after=retry_after)


def _duration(seconds: int) -> str:
    """Return a time to wait, in words."""
    unit, length = "second", 1
    for longer, its_length in (("minute", 60), ("hour", 3600)):
        if seconds >= 2 * its_length:
            unit, length = longer, its_length
    count = -(-seconds // length)
    return f"{count} {unit}{'' if count == 1 else 's'}"


class Unavailable(ServiceError):
    """A store or dependency is unavailable. Try again after `Retry-After` seconds.

    In an event handler it means that the event is not at fault and is redelivered.
    """

    status = 503
    code = "unavailable"
    message = "Not available right now. Try again soon."

    def __init__(self, message: str | None = None, *, retry_after: int = 1) -> None:
        super().__init__(message, retry_after=retry_after)
