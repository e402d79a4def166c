"""SendGrid's errors: a list, each with the field to blame and where to read about it."""

from typing import Any

HELP = "http://sendgrid.com/docs/API_Reference/Web_API_v3/Mail/errors.html#"


class SendGridError(Exception):
    """An answer other than 2xx, with everything that is wrong at once."""

    def __init__(self, status: int, errors: list[dict[str, Any]]) -> None:
        super().__init__(status)
        self.status = status
        self.errors = errors


def refused(status: int, message: str) -> SendGridError:
    """An error for which no field is to blame."""
    return SendGridError(status, [{"message": message, "field": None, "help": None}])


WORDS = {
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


def plain(status: int) -> SendGridError:
    """An error by its status alone, in SendGrid's words."""
    return refused(status, WORDS.get(status, "Error"))
