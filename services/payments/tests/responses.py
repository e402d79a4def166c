"""Error responses, and their parts that tests compare."""

import httpx

UNKNOWN_MESSAGE = "The bank has not answered yet. Do not pay again. Check your order in a minute."


def error_of(response: httpx.Response) -> tuple[int, str, str]:
    """Return the status, code and message of a response with one error."""
    (error,) = response.json()["errors"]
    return response.status_code, error["code"], error["message"]


def assert_payment_unknown(response: httpx.Response) -> None:
    """Check that a response is a 503 because Stripe's answer is missing."""
    assert response.status_code == 503
    assert response.json() == {"errors": [{"code": "payment_unknown", "message": UNKNOWN_MESSAGE}]}
    assert int(response.headers["Retry-After"]) > 0
