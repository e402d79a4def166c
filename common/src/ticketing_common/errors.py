"""The one shape of an error, and the errors that routes raise."""

from pydantic import BaseModel


class FieldError(BaseModel):
    """One rule that a request broke."""

    message: str
    field: str | None = None


class ErrorBody(BaseModel):
    """The body of every answer that is not a success."""

    errors: list[FieldError]


class ServiceError(Exception):
    """An answer that is not a success: its status and its words."""

    status = 500
    message = "Something went wrong"

    def __init__(
        self,
        message: str | None = None,
        *,
        field: str | None = None,
        retry_after: int | None = None,
    ) -> None:
        self.message = message or self.message
        self.field = field
        self.retry_after = retry_after
        super().__init__(self.message)


class BadRequest(ServiceError):
    """The request is not well-formed, or not allowed in this state."""

    status = 400
    message = "Bad request"


class NotAuthorized(ServiceError):
    """The caller is not signed in, or not the owner."""

    status = 401
    message = "Not authorized"


class PaymentDeclined(ServiceError):
    """The bank refused the card; the message is for the buyer."""

    status = 402
    message = "Your card was declined."


class CrossOrigin(ServiceError):
    """A page of another origin tried to change something."""

    status = 403
    message = "Requests from other sites are refused"


class NotFound(ServiceError):
    status = 404
    message = "Not found"


class Conflict(ServiceError):
    """Somebody else changed it meanwhile."""

    status = 409
    message = "Somebody else changed it meanwhile, try again"


class TooLarge(ServiceError):
    status = 413
    message = "The body is over 64 KiB"


class RateLimited(ServiceError):
    """Carries `retry_after`, in seconds."""

    status = 429
    message = "Too many tries, try again later"


class Unavailable(ServiceError):
    """A part that this needs is away. In a listener it means: not the event's fault, try later."""

    status = 503
    message = "Not available right now, try again soon"

    def __init__(self, message: str | None = None, *, retry_after: int = 1) -> None:
        super().__init__(message, retry_after=retry_after)
