"""Generate the NATS accounts and permissions of each service and of the operators.

`python -m ticketing_dev.tools.events.permissions` writes `infra/k8s/nats/users.conf`, which the
NATS of the cluster and of the local stack read.

The streams belong to one account. Each service has an account of its own, which imports from it
exactly the subjects that the service needs. Permissions alone could not hold a service: NATS checks
the subject of a request, but sends its response to any subject that the request names. In one
account that is also a subject of another service, or of the JetStream API.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from expiration.worker import HISTORY_EVENTS
from ticketing_common.events import EVENTS, DomainEvent
from ticketing_common.messaging.listeners import Listeners
from ticketing_common.messaging.streams import (
    DEAD_LETTER_PREFIX,
    SECRET_STREAMS,
    consumers,
    republished_subject,
    stream_of,
    streams,
)
from ticketing_dev.checkout import NATS_USERS
from ticketing_dev.stack.processes.servers import AUDIT, OPERATOR, PROVISIONER
from ticketing_dev.tools.events.service_listeners import service_listeners
from ticketing_dev.tools.openapi import apps

ACCOUNT = "BUS"
"""The account with the streams."""
API, IMPORTED_API = "$JS.API", "bus.API"
"""Where a client sends requests to JetStream, and where its account imports them to.

An account's own `$JS.API` would be that of the streams of this account.
"""


@dataclass(frozen=True)
class Grant:
    """The subjects of the streams' account that one user may use."""

    publish: Sequence[str]
    """The subjects of events and requests."""
    subscribe: Sequence[str] = ()
    """The subjects of republished messages."""


def grants() -> dict[str, Grant]:
    """Return the grants of the users with an account of their own: the services, and the audit."""
    all_listeners = service_listeners()
    read_events: dict[str, list[type[DomainEvent]]] = {
        listeners.service: [] for listeners in all_listeners
    }
    for name, app in apps().items():
        if app.state.feed is not None:
            read_events[name] += app.state.feed.events
        if app.state.follower is not None:
            read_events[name].append(app.state.follower.event)
    read_events["expiration"] += HISTORY_EVENTS
    of_services = {
        listeners.service: grant_of(listeners, read_events[listeners.service])
        for listeners in all_listeners
    }
    return of_services | {AUDIT: _audit_grant(all_listeners)}


def grant_of(listeners: Listeners, read_events: Iterable[type[DomainEvent]] = ()) -> Grant:
    """Return the least that a service needs.

    `read_events` are those that its processes read without a consumer. It can then read all events
    of their streams.
    """
    service = listeners.service
    publish = [event.subject for event in EVENTS if event.producer == service]
    own_consumers = consumers(listeners)
    for stream in sorted(own_consumers):
        own = f"{stream}.{service}"
        publish += [
            f"{API}.CONSUMER.INFO.{own}",
            f"{API}.CONSUMER.MSG.NEXT.{own}",
            f"$JS.ACK.{own}.>",
        ]
    if own_consumers:
        publish.append(f"{DEAD_LETTER_PREFIX}.{service}.>")
    read = sorted({stream_of(event) for event in read_events})
    for stream in read:
        publish += [f"{API}.STREAM.INFO.{stream}", *_reading(stream)]
    return Grant(publish, [republished_subject(stream) for stream in read])


def _reading(stream: str) -> list[str]:
    return [f"{API}.STREAM.MSG.GET.{stream}", f"{API}.DIRECT.GET.{stream}"]


def _audit_grant(all_listeners: Sequence[Listeners]) -> Grant:
    """Return the right to read all messages without a secret, and the state of all consumers."""
    names = [str(stream.name) for stream in streams()]
    return Grant(
        [
            f"{API}.INFO",
            *(f"{API}.STREAM.INFO.{stream}" for stream in names),
            *(f"{API}.CONSUMER.INFO.{own}" for own in _all_consumers(all_listeners)),
            *(
                subject
                for stream in names
                if stream not in SECRET_STREAMS
                for subject in _reading(stream)
            ),
        ],
        [republished_subject(stream) for stream in names if stream not in SECRET_STREAMS],
    )


def provisioner_grant() -> Grant:
    """Return the right to create and update the streams and the consumers of the services."""
    publish = [
        f"{API}.STREAM.{request}.{stream.name}"
        for stream in streams()
        for request in ("INFO", "CREATE", "UPDATE")
    ]
    for own in _all_consumers(service_listeners()):
        publish += [
            f"{API}.CONSUMER.INFO.{own}",
            f"{API}.CONSUMER.CREATE.{own}",
            f"{API}.CONSUMER.CREATE.{own}.>",
        ]
    return Grant(publish)


def _all_consumers(all_listeners: Sequence[Listeners]) -> list[str]:
    return [
        f"{stream}.{listeners.service}"
        for listeners in all_listeners
        for stream in sorted(consumers(listeners))
    ]


def password_variable(user: str) -> str:
    """Return the environment variable of NATS with a user's password."""
    return f"NATS_{user.upper()}_PASSWORD"


def imported(subject: str) -> str:
    """Return the subject of a request in the account that imports it."""
    return subject.replace(f"{API}.", f"{IMPORTED_API}.", 1)


def rendered() -> str:
    """Return the accounts and users as NATS configuration."""
    granted = grants()
    lines = [
        "# Generated from the services' listeners: "
        "`python -m ticketing_dev.tools.events.permissions`.",
        "accounts {",
        f"  {ACCOUNT} {{",
        "    jetstream: enabled",
        "    users: [",
        f"      {{ user: {OPERATOR}, password: ${password_variable(OPERATOR)} }}",
        *_user(PROVISIONER, provisioner_grant().publish, ()),
        "    ]",
        "    exports: [",
        *_exports(granted),
        "    ]",
        "  }",
    ]
    for user, grant in granted.items():
        lines += [
            f"  {user} {{",
            f'    mappings: {{ "{API}.>": "{IMPORTED_API}.>" }}',
            "    users: [",
            *_user(user, [imported(subject) for subject in grant.publish], grant.subscribe),
            "    ]",
            "    imports: [",
            *(_service_import(subject) for subject in grant.publish),
            *(
                f'      {{ stream: {{ account: {ACCOUNT}, subject: "{subject}" }} }}'
                for subject in grant.subscribe
            ),
            "    ]",
            "  }",
        ]
    return "\n".join([*lines, "}", ""])


def _user(name: str, publish: Sequence[str], subscribe: Sequence[str]) -> list[str]:
    # Responses and fetched messages. A wider inbox would receive those of others.
    inbox = f"_INBOX.{name}.>"
    return [
        f"      {{ user: {name}, password: ${password_variable(name)}, permissions: {{",
        "        publish: { allow: [",
        *(f'          "{subject}"' for subject in publish),
        "        ] }",
        "        subscribe: { allow: [",
        *(f'          "{subject}"' for subject in (inbox, *subscribe)),
        "        ] }",
        "      } }",
    ]


def _exports(granted: dict[str, Grant]) -> list[str]:
    users_of: dict[tuple[str, str], list[str]] = {}
    for user, grant in granted.items():
        for subject in grant.publish:
            users_of.setdefault(("service", subject), []).append(user)
        for subject in grant.subscribe:
            users_of.setdefault(("stream", subject), []).append(user)
    return [
        f'      {{ {kind}: "{subject}", '
        # A direct get has several responses. Of other requests NATS drops a second one, so a
        # service fetches one message at a time.
        + ("response_type: stream, " if ".DIRECT.GET." in subject else "")
        + f"accounts: [{', '.join(users)}] }}"
        for (kind, subject), users in users_of.items()
    ]


def _service_import(subject: str) -> str:
    to = f', to: "{imported(subject)}"' if subject != imported(subject) else ""
    return f'      {{ service: {{ account: {ACCOUNT}, subject: "{subject}" }}{to} }}'


if __name__ == "__main__":
    NATS_USERS.write_text(rendered())
