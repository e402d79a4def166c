"""Who says what to whom, read off the subscription lists and drawn into docs/architecture.md.

`python -m ticketing_dev.diagram` draws it anew.
"""

import re
from collections.abc import Iterable

import auth.app
import contact.listeners
import expiration.listeners
import orders.listeners
import payments.listeners
import tickets.listeners
from expiration.timers import Timers
from ticketing_common.events import EVENTS, Event
from ticketing_common.listeners import Listeners
from ticketing_dev.checkout import ROOT

DOCUMENT = ROOT / "docs" / "architecture.md"
BEGIN, END = "<!-- events -->", "<!-- /events -->"


def subscription_lists() -> list[Listeners]:
    """Every service's, in the order in which an order meets them."""
    return [
        auth.app.listeners,
        tickets.listeners.listeners,
        orders.listeners.listeners,
        payments.listeners.listeners,
        expiration.listeners.listening(Timers("redis://nowhere")),
        contact.listeners.listeners,
    ]


def listeners_of(event: type[Event]) -> list[str]:
    """The services that listen to an event."""
    return [
        subscribed.service
        for subscribed in subscription_lists()
        if subscribed.of(event.subject) is not None
    ]


def diagram(events: Iterable[type[Event]] = EVENTS) -> str:
    """A mermaid flowchart: an arrow from each speaker to each of its listeners."""
    said: dict[tuple[str, str], list[str]] = {}
    for event in events:
        for listener in listeners_of(event):
            said.setdefault((event.speaker(), listener), []).append(event.__name__)
    order = [subscribed.service for subscribed in subscription_lists()]
    arrows = [
        f'    {speaker} -- "{"<br/>".join(said[speaker, listener])}" --> {listener}'
        for speaker in order
        for listener in order
        if (speaker, listener) in said
    ]
    return "\n".join(["flowchart TB", *arrows])


def drawn_into(text: str) -> str:
    """The document with the diagram as it should be. Raises ValueError where it has no place."""
    place = re.compile(f"{BEGIN}.*{END}", re.DOTALL)
    if not place.search(text):
        raise ValueError(f"There is no place for the diagram: {BEGIN} ... {END}")
    block = f"{BEGIN}\n\n```mermaid\n{diagram()}\n```\n\n{END}"
    return place.sub(lambda _: block, text)


if __name__ == "__main__":
    DOCUMENT.write_text(drawn_into(DOCUMENT.read_text()))
