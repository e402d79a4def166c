"""The bus for other programs: an AsyncAPI document, drawn from events and subscription lists.

`python -m ticketing_dev.tools.asyncapi` draws docs/asyncapi.json anew.
"""

import json
from inspect import getdoc
from typing import Any

from ticketing_common.events import EVENTS, DomainEvent
from ticketing_common.messaging.listeners import STREAM_RETENTION, Listener
from ticketing_common.messaging.streams import stream_of
from ticketing_dev.checkout import ROOT
from ticketing_dev.tools.diagram import subscription_lists
from ticketing_dev.tools.event_schemas import schema_of

DOCUMENT = ROOT / "docs" / "asyncapi.json"

HEADERS = {
    "type": "object",
    "description": "CloudEvents 1.0.2, in the binary mode of its NATS protocol binding.",
    "required": ["ce-id", "ce-type", "ce-source", "ce-time", "ce-specversion", "Nats-Msg-Id"],
    "properties": {
        "ce-id": {"type": "string", "description": "The same however often it is delivered."},
        "ce-type": {"type": "string"},
        "ce-source": {"type": "string", "description": "The service that says it: `/orders`."},
        "ce-time": {"type": "string", "format": "date-time"},
        "ce-specversion": {"type": "string", "const": "1.0"},
        "content-type": {"type": "string", "const": "application/json"},
        "traceparent": {"type": "string", "description": "W3C trace context."},
        "Nats-Msg-Id": {"type": "string", "description": "The `ce-id`: a second one is dropped."},
    },
}


def document() -> dict[str, Any]:
    """AsyncAPI 3.0: a channel a subject, an operation whatever a service says or hears."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "ticketing",
            "version": "1.0.0",
            "description": "What the services of the ticket market say to one another, over NATS "
            "JetStream. An event may grow; unknown fields are ignored. See docs/events.md.",
        },
        "defaultContentType": "application/json",
        "servers": {
            "nats": {
                "host": "nats-srv:4222",
                "protocol": "nats",
                "description": "NATS with JetStream, inside the cluster only.",
            }
        },
        "channels": {event.subject: _channel(event) for event in EVENTS},
        "operations": {
            **{f"{event.producer()}.says.{event.__name__}": _said(event) for event in EVENTS},
            **{
                f"{listener.service}.hears.{listener.event.__name__}": _heard(listener)
                for subscribed in subscription_lists()
                for listener in subscribed
            },
        },
        "components": {
            "messages": {event.__name__: _message(event) for event in EVENTS},
            "messageTraits": {"cloudEvent": {"headers": HEADERS}},
        },
    }


def text() -> str:
    """The document as it is kept."""
    return json.dumps(document(), indent=2) + "\n"


def _channel(event: type[DomainEvent]) -> dict[str, Any]:
    kept = event.max_age or STREAM_RETENTION
    return {
        "address": event.subject,
        "messages": {event.__name__: {"$ref": f"#/components/messages/{event.__name__}"}},
        "x-jetstream": {"stream": stream_of(event), "maxAgeSeconds": int(kept.total_seconds())},
    }


def _message(event: type[DomainEvent]) -> dict[str, Any]:
    own_words = {"summary": event.__doc__.strip()} if event.__doc__ else {}
    return {
        "name": event.__name__,
        **own_words,
        "payload": schema_of(event),
        "traits": [{"$ref": "#/components/messageTraits/cloudEvent"}],
    }


def _said(event: type[DomainEvent]) -> dict[str, Any]:
    return {"action": "send", **_of(event), "tags": [{"name": event.producer()}]}


def _heard(listener: Listener) -> dict[str, Any]:
    return {
        "action": "receive",
        "summary": (getdoc(listener.handler) or listener.name).partition("\n")[0],
        **_of(listener.event),
        "tags": [{"name": listener.service}],
    }


def _of(event: type[DomainEvent]) -> dict[str, Any]:
    channel = f"#/channels/{event.subject}"
    return {
        "channel": {"$ref": channel},
        "messages": [{"$ref": f"{channel}/messages/{event.__name__}"}],
    }


if __name__ == "__main__":
    DOCUMENT.write_text(text())
