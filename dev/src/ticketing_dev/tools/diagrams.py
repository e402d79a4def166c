"""Generate the diagrams and lists of the documentation from the code.

`python -m ticketing_dev.tools.diagrams` updates them.
"""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from payments.domain.state_machine import TRANSITIONS
from payments.stripe.webhooks import EVENT_TYPES
from ticketing_common.events import EVENTS, DomainEvent
from ticketing_common.topology import SERVICE_NAMES
from ticketing_dev.checkout import ROOT
from ticketing_dev.tools.events.service_listeners import consumers_of

DOCS = ROOT / "docs"


def event_flow(events: Iterable[type[DomainEvent]] = EVENTS) -> str:
    """Return a mermaid flowchart with an arrow from each producer to each consumer."""
    names: dict[tuple[str, str], list[str]] = {}
    for event in events:
        for consumer in consumers_of(event):
            names.setdefault((event.producer, consumer), []).append(event.__name__)
    arrows = [
        f'    {producer} -- "{"<br/>".join(names[producer, consumer])}" --> {consumer}'
        for producer in SERVICE_NAMES
        for consumer in SERVICE_NAMES
        if (producer, consumer) in names
    ]
    return "\n".join(["flowchart TB", *arrows])


def payment_states() -> str:
    """Return a mermaid state diagram of a payment."""
    names = {status: status.replace("-", "_") for status in TRANSITIONS}
    arrows = [
        f"    {names[before]} --> {names[after]}: {reason}"
        for before, transitions in TRANSITIONS.items()
        for after, reason in transitions.items()
    ]
    return "\n".join(["stateDiagram-v2", "    [*] --> started", *arrows])


def webhook_types() -> str:
    """Return the event types to enable for Stripe's webhook endpoint."""
    return "\n".join(EVENT_TYPES)


GENERATED: Mapping[Path, Mapping[str, tuple[str, Callable[[], str]]]] = {
    DOCS / "architecture.md": {"events": ("mermaid", event_flow)},
    DOCS / "payments.md": {
        "states": ("mermaid", payment_states),
        "webhooks": ("text", webhook_types),
    },
}
"""Language and content of each block, which is between `<!-- name -->` and `<!-- /name -->`."""


def with_generated(document: Path) -> str:
    """Return the document with its generated blocks updated.

    Raises:
        ValueError: the document has no place for a block.
    """
    text = document.read_text()
    for name, (language, generate) in GENERATED[document].items():
        begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
        before, found, rest = text.partition(begin)
        _, closed, after = rest.partition(end)
        if not (found and closed):
            raise ValueError(f"{document.name} misses {begin} ... {end}")
        text = f"{before}{begin}\n\n```{language}\n{generate()}\n```\n\n{end}{after}"
    return text


if __name__ == "__main__":
    for each in GENERATED:
        each.write_text(with_generated(each))
