"""What the documents show of the code, drawn from the code: who says what to whom, and so on.

`python -m ticketing_dev.tools.diagram` draws it anew.
"""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import contact.handlers
import expiration.handlers
import orders.handlers
import payments.handlers
import tickets.handlers
from expiration.timers import Timers
from payments.domain.state_machine import TRANSITIONS
from payments.stripe.webhooks import EVENT_TYPES
from ticketing_common.events import EVENTS, DomainEvent
from ticketing_common.messaging.listeners import Listeners
from ticketing_dev.checkout import ROOT

DOCS = ROOT / "docs"


def subscription_lists() -> list[Listeners]:
    """Every service's, in the order in which an order meets them."""
    return [
        Listeners("auth"),
        tickets.handlers.listeners,
        orders.handlers.listeners,
        payments.handlers.listeners,
        expiration.handlers.listening(Timers("redis://nowhere")),
        contact.handlers.listeners,
    ]


def listeners_of(event: type[DomainEvent]) -> list[str]:
    """The services that listen to an event."""
    return [
        subscribed.service
        for subscribed in subscription_lists()
        if subscribed.of(event.subject) is not None
    ]


def diagram(events: Iterable[type[DomainEvent]] = EVENTS) -> str:
    """A mermaid flowchart: an arrow from each producer to each of its listeners."""
    said: dict[tuple[str, str], list[str]] = {}
    for event in events:
        for listener in listeners_of(event):
            said.setdefault((event.producer, listener), []).append(event.__name__)
    order = [subscribed.service for subscribed in subscription_lists()]
    arrows = [
        f'    {producer} -- "{"<br/>".join(said[producer, listener])}" --> {listener}'
        for producer in order
        for listener in order
        if (producer, listener) in said
    ]
    return "\n".join(["flowchart TB", *arrows])


def life_of_a_payment() -> str:
    """A mermaid state diagram of the transitions between a payment's states."""
    names = {status: status.replace("-", "_") for status in TRANSITIONS}
    arrows = [
        f"    {names[before]} --> {names[after]}: {why}"
        for before, leads in TRANSITIONS.items()
        for after, why in leads.items()
    ]
    return "\n".join(["stateDiagram-v2", "    [*] --> started", *arrows])


def webhook_types() -> str:
    """The events that Stripe should be told to send."""
    return "\n".join(EVENT_TYPES)


DRAWN: Mapping[Path, Mapping[str, tuple[str, Callable[[], str]]]] = {
    DOCS / "architecture.md": {"events": ("mermaid", diagram)},
    DOCS / "payments.md": {
        "life": ("mermaid", life_of_a_payment),
        "webhooks": ("text", webhook_types),
    },
}
"""By document, what stands between `<!-- name -->` and `<!-- /name -->`."""


def drawn_into(document: Path) -> str:
    """The document with everything as it should be. Raises ValueError where one has no place."""
    text = document.read_text()
    for name, (language, draw) in DRAWN[document].items():
        begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
        before, found, rest = text.partition(begin)
        _, closed, after = rest.partition(end)
        if not (found and closed):
            raise ValueError(f"{document.name} has no place for it: {begin} ... {end}")
        text = f"{before}{begin}\n\n```{language}\n{draw()}\n```\n\n{end}{after}"
    return text


if __name__ == "__main__":
    for each in DRAWN:
        each.write_text(drawn_into(each))
