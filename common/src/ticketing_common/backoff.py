"""Exponential backoff."""

from dataclasses import dataclass

_MAX_DOUBLINGS = 16


@dataclass(frozen=True)
class Backoff:
    """Delays that double with every attempt, from `first` to `longest`, in seconds."""

    first: float
    longest: float

    def delay(self, attempt: int) -> float:
        """Return the seconds to wait after the attempt with this number, counted from 1."""
        doublings = min(max(attempt - 1, 0), _MAX_DOUBLINGS)
        return min(self.first * float(2**doublings), self.longest)
