"""Statement descriptors: the text of a charge on the buyer's card statement."""

from ticketing_dev.standins.stripe.api.errors import invalid_request
from ticketing_dev.standins.stripe.api.params import Params

PREFIX = "TICKETS"
MAX_LENGTH = 22
FORBIDDEN = "<>\\'\"*"


def suffix(params: Params) -> str | None:
    """Return the suffix of this payment. Raises StripeError if it is invalid or too long."""
    name = "statement_descriptor_suffix"
    given = params.text(name)
    if given is None:
        return None
    for character in FORBIDDEN:
        if character in given:
            raise invalid_request(
                f"The statement descriptor cannot include {character}.", param=name
            )
    if not given.isascii():
        raise invalid_request(
            "The statement descriptor must contain only Latin characters.", param=name
        )
    if not any(character.isalpha() for character in given):
        raise invalid_request(
            "The statement descriptor must contain at least one Latin character.", param=name
        )
    descriptor = complete(given)
    if len(descriptor) > MAX_LENGTH:
        raise invalid_request(
            f"The statement descriptor must be at most {MAX_LENGTH} characters. {descriptor} is "
            f"{len(descriptor)} characters long.",
            param=name,
        )
    return given


def complete(suffix: str | None) -> str:
    """Return the complete descriptor: the prefix and the suffix."""
    return f"{PREFIX}* {suffix}".upper() if suffix else PREFIX
