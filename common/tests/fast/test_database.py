import pytest
from pymongo.errors import AutoReconnect, DuplicateKeyError, OperationFailure, PyMongoError

from ticketing_common.persistence.database import is_unavailable


@pytest.mark.parametrize(
    "error",
    [
        AutoReconnect("connection closed"),
        OperationFailure("Authentication failed", 18),
        OperationFailure("not authorized", 13),
        OperationFailure("too late", 262),
        OperationFailure("conflict", 112, {"errorLabels": ["TransientTransactionError"]}),
        OperationFailure("stepping down", 189, {"errorLabels": ["RetryableWriteError"]}),
    ],
    ids=str,
)
def test_is_unavailable_for_errors_of_the_database(error: PyMongoError) -> None:
    assert is_unavailable(error)


@pytest.mark.parametrize(
    "error", [DuplicateKeyError("twice", 11000), OperationFailure("bad value", 2)], ids=str
)
def test_is_unavailable_not_for_errors_of_a_write(error: PyMongoError) -> None:
    assert not is_unavailable(error)
