"""Quotas: how often something may happen in some windows of time."""

from dataclasses import dataclass
from typing import Annotated, Self

from limits import parse_many
from pydantic import AfterValidator


@dataclass(frozen=True)
class Window:
    """At most `amount` times in each period of `seconds`."""

    amount: int
    seconds: int


@dataclass(frozen=True)
class Quota:
    """At most so many times in each of its windows.

    Several windows make growing pauses: attempts that continue after a short one use up the next.
    """

    name: str
    windows: tuple[Window, ...]
    """The shortest first."""

    @classmethod
    def parse(cls, name: str, text: str, factor: int = 1) -> Self:
        """Read a text such as `10 per 5 minutes; 30 per hour`. Raises: ValueError."""
        items = sorted(parse_many(text), key=lambda item: item.get_expiry())
        return cls(name, tuple(Window(item.amount * factor, item.get_expiry()) for item in items))


@dataclass(frozen=True)
class Usage:
    """The rest of a quota, in the window with the least of it."""

    quota: Quota
    window: Window
    remaining: int
    exceeded: bool
    reset_seconds: int | None
    """The time until the window ends, if it is exceeded."""

    def headers(self) -> tuple[str, str]:
        """Return the items of the headers `RateLimit-Policy` and `RateLimit`.

        They are those of draft-ietf-httpapi-ratelimit-headers-11.
        """
        name, window = self.quota.name, self.window
        policy = f'"{name}";q={window.amount};w={window.seconds}'
        reset = "" if self.reset_seconds is None else f";t={self.reset_seconds}"
        return policy, f'"{name}";r={self.remaining}{reset}'


def _require_quota(text: str) -> str:
    try:
        Quota.parse("", text)
    except ValueError:
        raise ValueError("should be a limit such as 10 per 5 minutes; 30 per hour") from None
    return text


QuotaText = Annotated[str, AfterValidator(_require_quota)]
"""The setting of a quota, such as `10 per 5 minutes; 30 per hour`."""
