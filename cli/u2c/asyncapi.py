"""`docs/asyncapi.yaml`: the topics and the webhooks as AsyncAPI 3.0, from the topic table. `python -m
u2c.asyncapi` prints it; a test compares."""

from typing import Any

import msgspec
import yaml

from services.signals.domain.event_types import EVENT_TYPES
from shared.topics import ALL, Topic, TopicKind
from shared.topics.registry import PRODUCTS

REFERENCE = "#/components/schemas/{name}"
KINDS = {
    TopicKind.FACT: "A fact: it has an id; insert it if it is absent.",
    TopicKind.SNAPSHOT: "A snapshot: it has a key and a revision; replace yours if this is newer, whole.",
}
CLOUD_EVENT = {
    "type": "object",
    "description": "A CloudEvents 1.0 event, as POST /v1/events takes it; in binary mode its data, with its attributes as headers `ce_…`.",
    "required": ["specversion", "source", "id", "type", "subject", "time"],
    "properties": {
        name: {"type": "string"} for name in ("specversion", "source", "id", "type", "subject", "time")
    }
    | {"data": {"type": "object"}},
}


def text() -> str:
    """The whole file."""
    return HEAD + yaml.dump(document(), Dumper=_Whole, sort_keys=False, allow_unicode=True, width=140)


HEAD = "# Made from the topic table by `python -m u2c.asyncapi`; a test compares.\n"


class _Whole(yaml.SafeDumper):
    """Every example is written out where it stands, without anchors."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def document() -> dict[str, Any]:
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "usage-to-cash",
            "version": "1",
            "description": "What the services say to each other on the bus, and to you by webhooks.",
        },
        "defaultContentType": "application/json",
        "channels": {name: _channel(topic) for name, topic in ALL.items()} | {"webhooks": _webhooks()},
        "operations": _operations(),
        "components": {
            "messages": {name: _message(topic) for name, topic in ALL.items()}
            | {name: _event(name) for name in EVENT_TYPES},
            "schemas": _schemas(),
        },
    }


def _channel(topic: Topic) -> dict[str, Any]:
    partitioned = f"Partitioned by {topic.partitioned_by.words if topic.partitioned_by else 'whatever key the producer gives'}"
    kept = (
        f"Compacted by its record key: {topic.identified_by.words}"
        if topic.identified_by
        else f"Kept {topic.retention_days} days"
    )
    return {
        "address": topic.name,
        "description": f"{KINDS[topic.kind]} {partitioned}, {topic.partitions} in all. {kept}.",
        "messages": {topic.name: {"$ref": f"#/components/messages/{topic.name}"}},
    }


def _webhooks() -> dict[str, Any]:
    return {
        "address": None,
        "description": "HTTP POST to your endpoint by Standard Webhooks 1.0.0, at least once, each under one id. See docs/signals.md.",
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in EVENT_TYPES},
    }


def _operations() -> dict[str, Any]:
    """Who says what and who hears it, from the application's side."""
    found: dict[str, Any] = {}
    for name, topic in ALL.items():
        channel = {"$ref": f"#/channels/{name.replace('/', '~1')}"}
        for producer in topic.producers:
            if producer != PRODUCTS:
                found[f"{producer}.says.{name}"] = {
                    "action": "send",
                    "channel": channel,
                    "summary": f"{producer} says it",
                }
        for consumer in topic.consumers:
            apart = (
                f", by a consumer of its own: group {topic.group_of(consumer)}" if topic.own_consumer else ""
            )
            found[f"{consumer}.hears.{name}"] = {
                "action": "receive",
                "channel": channel,
                "summary": f"{consumer} hears it{apart}",
            }
    found["signals.says.webhooks"] = {
        "action": "send",
        "channel": {"$ref": "#/channels/webhooks"},
        "summary": "signals tells your endpoints",
    }
    return found


def _message(topic: Topic) -> dict[str, Any]:
    name = topic.message.__name__ if topic.message is not None else "CloudEvent"
    return {"name": topic.name, "payload": {"$ref": REFERENCE.format(name=name)}}


def _event(name: str) -> dict[str, Any]:
    event = EVENT_TYPES[name]
    payload = {
        "type": name,
        "timestamp": "2026-03-14T00:00:00Z",
        "customer": "acme",
        "contract": "acme-2026",
        "sequence": 7,
        "data": dict(event.example),
    }
    return {
        "name": name,
        "summary": event.says,
        "description": f"For the {event.seat}. Told {event.told}.",
        "headers": {"$ref": REFERENCE.format(name="WebhookHeaders")},
        "payload": {"$ref": REFERENCE.format(name="WebhookBody")},
        "examples": [{"name": name, "payload": payload}],
    }


def _schemas() -> dict[str, Any]:
    messages = [_encodable(topic.message) for topic in ALL.values() if topic.message is not None]
    _, components = msgspec.json.schema_components(messages, ref_template=REFERENCE)
    for component in components.values():
        if "description" in component:
            # A docstring is broken where a line of code ends; what it says is one sentence.
            component["description"] = " ".join(component["description"].split())
    return {**components, "CloudEvent": CLOUD_EVENT, "WebhookHeaders": _headers(), "WebhookBody": _body()}


def _encodable(message: type[msgspec.Struct]) -> type[msgspec.Struct]:
    """The message as its schema can be said: raw JSON is an object."""
    if not any(field.type is msgspec.Raw for field in msgspec.structs.fields(message)):
        return message
    fields = [
        (
            field.name,
            dict[str, Any] if field.type is msgspec.Raw else field.type,
            msgspec.field(default_factory=dict) if field.type is msgspec.Raw else field.default,
        )
        for field in msgspec.structs.fields(message)
    ]
    made = [
        (name, kind) if default is msgspec.NODEFAULT else (name, kind, default)
        for name, kind, default in fields
    ]
    return msgspec.defstruct(message.__name__, made)


def _headers() -> dict[str, Any]:
    said = {
        "webhook-id": "The signal's id, the same at every attempt and replay: drop what you have seen.",
        "webhook-timestamp": "Seconds since the epoch of this attempt; refuse one that is more than five minutes off.",
        "webhook-signature": "v1 signatures, separated by spaces: two while a secret is rotated.",
    }
    return {
        "type": "object",
        "required": list(said),
        "properties": {name: {"type": "string", "description": what} for name, what in said.items()},
    }


def _body() -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["type", "timestamp", "customer", "contract", "sequence", "data"],
        "properties": {
            "type": {"type": "string", "enum": list(EVENT_TYPES)},
            "timestamp": {"type": "string", "format": "date-time"},
            "customer": {"type": "string"},
            "contract": {"type": ["string", "null"]},
            "sequence": {
                "type": "integer",
                "description": "1, 2, … per customer: attempts start in this order and may arrive in another",
            },
            "data": {"type": "object"},
        },
    }


if __name__ == "__main__":
    print(text(), end="")
