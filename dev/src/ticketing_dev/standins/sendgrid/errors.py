"""SendGrid's errors: a list, each with a message, a field and a link to the documentation."""

from typing import Any

DOCUMENTATION = "http://sendgrid.com/docs/API_Reference/Web_API_v3/Mail/errors.html#"


class SendGridError(Exception):
    """An error response with all errors of the request."""

    def __init__(self, status: int, errors: list[dict[str, Any]]) -> None:
        super().__init__(status)
        self.status = status
        self.errors = errors


def request_error(status: int, message: str) -> SendGridError:
    """Return an error of the request as a whole, without a field."""
    return SendGridError(status, [{"message": message, "field": None, "help": None}])


MESSAGES = {
    400: "Bad Request",
    401: "The provided authorization grant is invalid, expired, or revoked",
    403: "access forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    413: "Payload Too Large",
    429: "too many requests",
    500: "Internal Server Error",
    503: "Service Unavailable",
}


def status_error(status: int) -> SendGridError:
    """Return an error with SendGrid's message for the status."""
    return request_error(status, MESSAGES.get(status, "Error"))
