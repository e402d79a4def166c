"""Generate the NATS permissions of each service and of the audit.

`python -m ticketing_dev.tools.events.permissions` writes `infra/k8s/nats/users.conf`, which the
NATS of the cluster and of the local stack read.

NATS checks the subject of a request, not its body. So a service may use only the subjects that name
its own consumers. The request that names its consumer only in the body
(`$JS.API.CONSUMER.CREATE.<stream>`) is allowed for no service, as it can change any consumer.

Known gaps: a service that consumes two or more events of a stream can also consume the others of
that stream; a producer can change the settings of its own stream, which new events need; and the
body of both requests can name subjects that no permission covers.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from expiration.worker import HISTORY_EVENTS
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
from ticketing_dev.stack.processes.servers import AUDIT, OPERATOR
from ticketing_dev.tools.events.service_listeners import service_listeners
from ticketing_dev.tools.openapi import apps


@dataclass(frozen=True)
class Permissions:
    """The permissions of one user, in the notation of NATS. Denied subjects win."""

    publish: Sequence[str]
    deny_publish: Sequence[str]
    subscribe: Sequence[str]


def permissions() -> dict[str, Permissions]:
    """Return the permissions by user, except the operator, who may do everything."""
    all_listeners = service_listeners()
    read_events: dict[str, Iterable[type[DomainEvent]]] = {
        name: app.state.feed.events for name, app in apps().items() if app.state.feed is not None
    }
    read_events["expiration"] = HISTORY_EVENTS
    followed = {
        name: app.state.follower.event
        for name, app in apps().items()
        if app.state.follower is not None
    }
    of_services = {
        listeners.service: permissions_of(
            listeners,
            read_streams=sorted(
                {stream_of(event) for event in read_events.get(listeners.service, ())}
            ),
            followed_event=followed.get(listeners.service),
            others=[other for other in all_listeners if other is not listeners],
        )
        for listeners in all_listeners
    }
    return of_services | {AUDIT: audit_permissions(all_listeners)}


def permissions_of(
    listeners: Listeners,
    read_streams: Sequence[str] = (),
    followed_event: type[DomainEvent] | None = None,
    others: Sequence[Listeners] = (),
) -> Permissions:
    """Return the least permissions that a service needs.

    `read_streams` are the streams that its processes read with ephemeral consumers, whose names are
    random. They read `followed_event` likewise, but no other event of its stream. `others` are the
    services whose consumers it must not use.
    """
    service, api = listeners.service, "$JS.API"
    publish = [event.subject for event in EVENTS if event.producer == service]
    for stream in sorted(streams_used_by(listeners, followed_event)):
        publish += [f"{api}.STREAM.INFO.{stream}", f"{api}.STREAM.CREATE.{stream}"]
    publish += [f"{api}.STREAM.UPDATE.{stream}" for stream in sorted(streams_produced_by(service))]
    own_consumers = consumers(listeners)
    for stream, consumer in sorted(own_consumers.items()):
        own = f"{stream}.{service}"
        filter_token = f".{consumer.filter_subject}" if consumer.filter_subject else ""
        publish += [
            f"{api}.CONSUMER.INFO.{own}",
            f"{api}.CONSUMER.CREATE.{own}{filter_token}",
            f"{api}.CONSUMER.MSG.NEXT.{own}",
            f"$JS.ACK.{own}.>",
        ]
    if own_consumers:
        publish.append(f"{DEAD_LETTER_PREFIX}.{service}.>")
    reads = [(stream, "") for stream in read_streams]
    if followed_event is not None:
        reads.append((stream_of(followed_event), f".{followed_event.subject}"))
    deny = []
    for stream, filter_token in reads:
        for request, token in (("INFO", ""), ("CREATE", filter_token), ("MSG.NEXT", "")):
            publish.append(f"{api}.CONSUMER.{request}.{stream}.*{token}")
            deny += [
                f"{api}.CONSUMER.{request}.{stream}.{other.service}{token}"
                for other in others
                if stream in consumers(other)
            ]
    # Responses and fetched messages. A wider inbox would receive the responses of other services.
    return Permissions(publish, deny, [f"_INBOX.{service}.>"])


def audit_permissions(all_listeners: Sequence[Listeners]) -> Permissions:
    """Return the permissions to read all streams and the state of all consumers.

    The audit reads with ephemeral consumers and must not use those of the services.
    """
    api = "$JS.API"
    publish = [
        f"{api}.INFO",
        f"{api}.STREAM.INFO.*",
        f"{api}.STREAM.MSG.GET.*",
        f"{api}.CONSUMER.INFO.*.*",
    ]
    deny = []
    for request in ("CREATE", "MSG.NEXT", "DELETE"):
        publish.append(f"{api}.CONSUMER.{request}.*.*")
        deny += [f"{api}.CONSUMER.{request}.*.{other.service}" for other in all_listeners]
    return Permissions(publish, deny, [f"_INBOX.{AUDIT}.>"])


def password_variable(user: str) -> str:
    """Return the environment variable of NATS with a user's password."""
    return f"NATS_{user.upper()}_PASSWORD"


def rendered() -> str:
    """Return the users as NATS configuration."""
    lines = [
        "# Generated from the services' listeners: "
        "`python -m ticketing_dev.tools.events.permissions`.",
        "authorization {",
        "  users: [",
        f"    {{ user: {OPERATOR}, password: ${password_variable(OPERATOR)} }}",
    ]
    for user, granted in permissions().items():
        lines += [
            f"    {{ user: {user}, password: ${password_variable(user)}, permissions: {{",
            "      publish: {",
            *_subject_list("allow", granted.publish),
            *_subject_list("deny", granted.deny_publish),
            "      }",
            "      subscribe: {",
            *_subject_list("allow", granted.subscribe),
            "      }",
            "    } }",
        ]
    return "\n".join([*lines, "  ]", "}", ""])


def _subject_list(name: str, subjects: Sequence[str]) -> list[str]:
    if not subjects:
        return []
    return [f"        {name}: [", *(f'          "{subject}"' for subject in subjects), "        ]"]


if __name__ == "__main__":
    NATS_USERS.write_text(rendered())
