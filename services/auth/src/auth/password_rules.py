"""The rules of a new password, beyond its length."""

import re
from functools import cache
from importlib import resources

MIN_PART_LENGTH = 3
MIN_OTHER_CHARACTERS = 5


def is_common(password: str) -> bool:
    """Return whether the password is one of the ten thousand commonest, compared without case."""
    return password.casefold().strip() in _common_passwords()


def is_of_email(password: str, email: str) -> bool:
    """Return whether the password is made of parts of the address, and little else.

    Case and punctuation make no difference: `Ann.Smith2024` is of `annsmith@example.com`.
    """
    whole, rest = _alphanumeric(email), _alphanumeric(password)
    local, _, domain = email.casefold().rpartition("@")
    names = [local, domain, *re.split(r"[\W_]+", local), *domain.split(".")[:-1]]
    parts = {whole, *map(_alphanumeric, names)}
    for part in sorted(parts, key=len, reverse=True):
        if len(part) >= MIN_PART_LENGTH:
            rest = rest.replace(part, "")
    has_part = rest != _alphanumeric(password)
    return has_part and len(rest) < MIN_OTHER_CHARACTERS


@cache
def _common_passwords() -> frozenset[str]:
    text = (resources.files("auth") / "common_passwords.txt").read_text("utf-8")
    return frozenset(line for line in text.splitlines() if not line.startswith("#"))


def _alphanumeric(text: str) -> str:
    return "".join(filter(str.isalnum, text.casefold()))
