"""What an audit finds."""

from collections.abc import Mapping
from dataclasses import dataclass

from ticketing_ops.audit.repairs import Repair


@dataclass(frozen=True)
class Kind:
    """One way in which something can be wrong."""

    name: str
    promise: int
    """Which of the six things that always hold it breaks."""
    advice: str
    """What an operator should do."""
    is_note: bool = False
    """Whether it breaks nothing, and is only for the operator to know."""


@dataclass(frozen=True)
class Finding:
    """Something that is wrong, or was when we looked."""

    kind: Kind
    ids: Mapping[str, str]
    """What it concerns, by what each is."""
    problem: str
    """What is wrong, in one line."""
    about: str
    """By what its check finds it again."""
    as_seen: str = ""
    """What would be otherwise on the second look if it were healing, if anything would."""
    repair: Repair | None = None

    @property
    def identity(self) -> tuple[object, ...]:
        """What two looks at the same lasting trouble have in common."""
        return (self.kind.name, *sorted(self.ids.items()), self.as_seen)
