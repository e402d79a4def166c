"""Findings of an audit."""

from collections.abc import Mapping
from dataclasses import dataclass

from ticketing_ops.audit.repairs import Repair


@dataclass(frozen=True)
class Kind:
    """A kind of finding."""

    name: str
    invariant: int
    """The number of the invariant that it violates."""
    advice: str
    """The next step for an operator."""
    is_note: bool = False
    """Whether it violates nothing and only informs the operator."""


@dataclass(frozen=True)
class Finding:
    """A violation or a note."""

    kind: Kind
    ids: Mapping[str, str]
    """The ids of the documents that it concerns, by their type."""
    problem: str
    """The problem in one line."""
    target: str
    """The id by which the check scans it again."""
    state: str = ""
    """State that changes between two scans if the problem is resolving itself."""
    repair: Repair | None = None

    @property
    def identity(self) -> tuple[object, ...]:
        """Equal for two findings of the same unchanged problem."""
        return (self.kind.name, *sorted(self.ids.items()), self.state)
