import re

import pytest

from ticketing_common.errors import ServiceError
from ticketing_dev.tools import error_catalogue, openapi

NEXT = "run `.venv/bin/python -m ticketing_dev.tools.error_catalogue`"


def test_catalogue_is_up_to_date() -> None:
    assert error_catalogue.CATALOGUE.read_text() == error_catalogue.catalogue(), NEXT


def test_codes_are_snake_case() -> None:
    assert [
        code for code in error_catalogue.codes() if not re.fullmatch("[a-z][a-z_]*", code)
    ] == []


@pytest.mark.parametrize("error", error_catalogue.errors())
def test_error_class_has_a_code_and_a_cause(error: type[ServiceError]) -> None:
    assert "code" in vars(error), "each error class has its own code"
    assert error.__doc__, "the docstring is the cause in docs/errors.md"


def test_two_error_classes_never_share_a_code() -> None:
    codes = [error.code for error in error_catalogue.errors()]

    assert sorted(codes) == sorted(set(codes))


def test_openapi_lists_documented_codes_only() -> None:
    listed = {
        code
        for document in openapi.documents().values()
        for operations in document["paths"].values()
        for operation in operations.values()
        for response in operation["responses"].values()
        for code in response.get("content", {}).get("application/json", {}).get("examples", {})
    }

    assert listed - {"missing"} <= error_catalogue.codes()
    assert {"ticket_reserved", "not_owner", "payment_declined", "email_in_use"} <= listed
