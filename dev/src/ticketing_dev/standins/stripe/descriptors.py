"""Statement descriptors: what the buyer reads on the card's statement."""

from ticketing_dev.standins.stripe.errors import invalid
from ticketing_dev.standins.stripe.params import Params

PREFIX = "TICKETS"
LONGEST = 22
FORBIDDEN = "<>\\'\"*"


def suffix(params: Params) -> str | None:
    """The part of this payment. Refused if no bank could show it whole behind the prefix."""
    name = "statement_descriptor_suffix"
    given = params.text(name)
    if given is None:
        return None
    for character in FORBIDDEN:
        if character in given:
            raise invalid(f"The statement descriptor cannot include {character}.", param=name)
    if not given.isascii():
        raise invalid("The statement descriptor must contain only Latin characters.", param=name)
    if not any(character.isalpha() for character in given):
        raise invalid(
            "The statement descriptor must contain at least one Latin character.", param=name
        )
    whole = complete(given)
    if len(whole) > LONGEST:
        raise invalid(
            f"The statement descriptor must be at most {LONGEST} characters. {whole} is "
            f"{len(whole)} characters long.",
            param=name,
        )
    return given


def complete(given: str | None) -> str:
    """The whole descriptor, as a statement shows it."""
    return f"{PREFIX}* {given}".upper() if given else PREFIX
