"""Who may do what on the bus, generated from the speakers, the subscription lists and the feeds.

`python -m ticketing_dev.tools.permissions` writes `infra/k8s/nats/users.conf`, which the cluster's
NATS and the local stack's both read.

What a broker looks at is the subject of a request, never its body. So a service is given subjects
that name its own consumers alone; the request that names its consumer only in the body
(`$JS.API.CONSUMER.CREATE.<stream>`) is given to nobody, as it changes anybody's. What is left open:
a service that hears some events of a stream could listen to the others of that stream, too, where
it hears more than one of them; a producer may change its own stream's settings, as new events need
it to; and both are asked for in a body, which could name places that no permission looks at.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from expiration.worker import LOOKED_BACK_ON
from ticketing_common.events import EVENTS, DomainEvent
from ticketing_common.messaging.listeners import Listeners
from ticketing_common.messaging.streams import (
    DEAD_LETTER_PREFIX,
    consumers,
    stream_of,
    streams_produced_by,
    streams_used_by,
)
from ticketing_dev.checkout import NATS_USERS
from ticketing_dev.tools.diagram import subscription_lists
from ticketing_dev.tools.openapi import apps

OPERATOR = "operator"
"""The command line's user. It may do everything."""


@dataclass(frozen=True)
class Permissions:
    """Of one service: subjects, in NATS' own notation. What is denied wins over what is allowed."""

    publish: Sequence[str]
    never: Sequence[str]
    subscribe: Sequence[str]


def permissions() -> dict[str, Permissions]:
    """Those of every service, by its name."""
    lists = subscription_lists()
    read: dict[str, Iterable[type[DomainEvent]]] = {
        name: app.state.feed.events for name, app in apps().items() if app.state.feed is not None
    }
    read["expiration"] = LOOKED_BACK_ON
    return {
        listeners.service: of(
            listeners,
            reads=sorted({stream_of(event) for event in read.get(listeners.service, ())}),
            others=[other for other in lists if other is not listeners],
        )
        for listeners in lists
    }


def of(
    listeners: Listeners, reads: Sequence[str] = (), others: Sequence[Listeners] = ()
) -> Permissions:
    """What one service needs, and no more.

    `reads`: the streams that its processes follow, or look back on, each with a consumer that goes
    with it and has a name which nobody knows before. `others`: whose consumers are not for it.
    """
    service, api = listeners.service, "$JS.API"
    publish = [event.subject for event in EVENTS if event.producer() == service]
    for stream in sorted(streams_used_by(listeners)):
        publish += [f"{api}.STREAM.INFO.{stream}", f"{api}.STREAM.CREATE.{stream}"]
    publish += [f"{api}.STREAM.UPDATE.{stream}" for stream in sorted(streams_produced_by(service))]
    heard = consumers(listeners)
    for stream, consumer in sorted(heard.items()):
        own = f"{stream}.{service}"
        one = f".{consumer.filter_subject}" if consumer.filter_subject else ""
        publish += [
            f"{api}.CONSUMER.INFO.{own}",
            f"{api}.CONSUMER.CREATE.{own}{one}",
            f"{api}.CONSUMER.MSG.NEXT.{own}",
            f"$JS.ACK.{own}.>",
        ]
    if heard:
        publish.append(f"{DEAD_LETTER_PREFIX}.{service}.>")
    never = []
    for stream in reads:
        for request in ("INFO", "CREATE", "MSG.NEXT"):
            publish.append(f"{api}.CONSUMER.{request}.{stream}.*")
            never += [
                f"{api}.CONSUMER.{request}.{stream}.{other.service}"
                for other in others
                if stream in consumers(other)
            ]
    # Answers, and what was fetched: a wider inbox would hear what others are answered.
    return Permissions(publish, never, [f"_INBOX.{service}.>"])


def variable(user: str) -> str:
    """The environment variable of NATS that has a user's password."""
    return f"NATS_{user.upper()}_PASSWORD"


def rendered() -> str:
    """The users as NATS' configuration."""
    lines = [
        "# Generated from the subscription lists: `python -m ticketing_dev.tools.permissions`.",
        "authorization {",
        "  users: [",
        f"    {{ user: {OPERATOR}, password: ${variable(OPERATOR)} }}",
    ]
    for service, may in permissions().items():
        lines += [
            f"    {{ user: {service}, password: ${variable(service)}, permissions: {{",
            "      publish: {",
            *_listed("allow", may.publish),
            *_listed("deny", may.never),
            "      }",
            "      subscribe: {",
            *_listed("allow", may.subscribe),
            "      }",
            "    } }",
        ]
    return "\n".join([*lines, "  ]", "}", ""])


def _listed(name: str, subjects: Sequence[str]) -> list[str]:
    if not subjects:
        return []
    return [f"        {name}: [", *(f'          "{one}"' for one in subjects), "        ]"]


if __name__ == "__main__":
    NATS_USERS.write_text(rendered())
