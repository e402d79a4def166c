"""Generate the AsyncAPI document of the domain events and their listeners.

`python -m ticketing_dev.tools.events.asyncapi` writes docs/asyncapi.json.
"""

import json
from inspect import getdoc
from typing import Any

from ticketing_common.events import EVENTS, DomainEvent
from ticketing_common.messaging.listeners import STREAM_RETENTION, Listener
from ticketing_common.messaging.streams import stream_of
from ticketing_dev.checkout import ROOT
from ticketing_dev.tools.events.schemas import schema_of
from ticketing_dev.tools.events.service_listeners import service_listeners

DOCUMENT = ROOT / "docs" / "asyncapi.json"

HEADERS = {
    "type": "object",
    "description": "CloudEvents 1.0.2, in the binary mode of its NATS protocol binding.",
    "required": ["ce-id", "ce-type", "ce-source", "ce-time", "ce-specversion", "Nats-Msg-Id"],
    "properties": {
        "ce-id": {"type": "string", "description": "The same for every delivery."},
        "ce-type": {"type": "string"},
        "ce-source": {"type": "string", "description": "The producer, e.g. `/orders`."},
        "ce-time": {"type": "string", "format": "date-time"},
        "ce-specversion": {"type": "string", "const": "1.0"},
        "content-type": {"type": "string", "const": "application/json"},
        "traceparent": {"type": "string", "description": "W3C trace context."},
        "Nats-Msg-Id": {
            "type": "string",
            "description": "The `ce-id`; JetStream discards duplicates.",
        },
    },
}


def document() -> dict[str, Any]:
    """Return the AsyncAPI 3.0 document: a channel per subject, an operation per use."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "ticketing",
            "version": "1.0.0",
            "description": "The domain events that the services exchange over NATS JetStream. "
            "Events can gain fields; consumers ignore unknown fields. See docs/events.md.",
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
            **{f"{event.producer}.publish.{event.__name__}": _send(event) for event in EVENTS},
            **{
                f"{listener.service}.consume.{listener.event.__name__}": _receive(listener)
                for listeners in service_listeners()
                for listener in listeners
            },
        },
        "components": {
            "messages": {event.__name__: _message(event) for event in EVENTS},
            "messageTraits": {"cloudEvent": {"headers": HEADERS}},
        },
    }


def text() -> str:
    """Return the document as JSON."""
    return json.dumps(document(), indent=2) + "\n"


def _channel(event: type[DomainEvent]) -> dict[str, Any]:
    retention = event.max_age or STREAM_RETENTION
    return {
        "address": event.subject,
        "messages": {event.__name__: {"$ref": f"#/components/messages/{event.__name__}"}},
        "x-jetstream": {
            "stream": stream_of(event),
            "maxAgeSeconds": int(retention.total_seconds()),
        },
    }


def _message(event: type[DomainEvent]) -> dict[str, Any]:
    summary = {"summary": event.__doc__.strip()} if event.__doc__ else {}
    return {
        "name": event.__name__,
        **summary,
        "payload": schema_of(event),
        "traits": [{"$ref": "#/components/messageTraits/cloudEvent"}],
    }


def _send(event: type[DomainEvent]) -> dict[str, Any]:
    return {"action": "send", **_references(event), "tags": [{"name": event.producer}]}


def _receive(listener: Listener) -> dict[str, Any]:
    return {
        "action": "receive",
        "summary": (getdoc(listener.handler) or listener.name).partition("\n")[0],
        **_references(listener.event),
        "tags": [{"name": listener.service}],
    }


def _references(event: type[DomainEvent]) -> dict[str, Any]:
    channel = f"#/channels/{event.subject}"
    return {
        "channel": {"$ref": channel},
        "messages": [{"$ref": f"{channel}/messages/{event.__name__}"}],
    }


if __name__ == "__main__":
    DOCUMENT.write_text(text())
