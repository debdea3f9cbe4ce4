"""The bodies of the door as its OpenAPI document shows them: the routes read bytes, so FastAPI
cannot."""

from typing import Any

from services.usage_ingest.domain.limits import DEPTH_MAX, EVENTS_MAX, PROPERTIES_MAX, TEXT_MAX_BYTES
from services.usage_ingest.domain.media_types import JSON
from services.usage_ingest.door.requests.media import FRAMINGS
from shared.values import names
from shared.values.fields import schema_of

EVENT: dict[str, Any] = {
    "title": "CloudEvent",
    "type": "object",
    "required": ["id", "source", "type", "subject", "time"],
    "properties": {
        "specversion": {"type": "string", "enum": ["1.0"]},
        "id": {
            **schema_of(names.EVENT_ID),
            "description": "Unique within its source: the same id again counts once",
        },
        "source": {**schema_of(names.SOURCE), "description": "Which producer"},
        "type": {**schema_of(names.EVENT_TYPE), "description": "What happened; meters take types"},
        "subject": {
            **schema_of(names.SUBJECT),
            "description": "Whose usage: the customer's external id or an alias",
        },
        "time": {
            "type": "string",
            "format": "date-time",
            "description": "When it happened, RFC 3339 with an offset",
        },
        "data": {
            "type": "object",
            "description": f"At most {PROPERTIES_MAX} properties, {DEPTH_MAX} levels, {TEXT_MAX_BYTES} bytes a text",
        },
    },
    "example": {
        "specversion": "1.0",
        "id": "UA-1545-EWR-2013-01-01T10:15:00Z",
        "source": "nyc-departures",
        "type": "flight.departure",
        "subject": "UA",
        "time": "2013-01-01T10:15:00Z",
        "data": {"origin": "EWR", "distance_miles": 1400, "tail": "N14228"},
    },
}
_NAMED = {"source": schema_of(names.SOURCE), "id": schema_of(names.EVENT_ID)}
_NAME = {
    "title": "EventName",
    "type": "object",
    "required": ["source", "id"],
    "properties": _NAMED,
    "additionalProperties": False,
}
_SEVERAL = {"type": "array", "items": EVENT, "maxItems": EVENTS_MAX}
#: One media type is enough for a client that is generated: it has no way to choose between several by the
#: kind of its argument.
EVENTS_BODY = {"requestBody": {"required": True, "content": {JSON: {"schema": {"anyOf": [EVENT, _SEVERAL]}}}}}
VOIDS_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "anyOf": [
                        _NAME,
                        {"type": "array", "items": _NAME, "maxItems": EVENTS_MAX},
                        {
                            "type": "object",
                            "required": ["voids"],
                            "additionalProperties": False,
                            "properties": {
                                "voids": {"type": "array", "items": _NAME, "maxItems": EVENTS_MAX}
                            },
                        },
                    ]
                }
            }
        },
    }
}
CORRECTION_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["source", "id", "event"],
                    "additionalProperties": False,
                    "properties": {**_NAMED, "event": EVENT},
                }
            }
        },
    }
}
MODES = (
    f"Whole events come in the body, as {', '.join(f'`{media}`' for media in FRAMINGS)}: one, an array, or a line each. "
    "Binary mode carries one: its attributes as headers `ce-id`, `ce-source`, `ce-type`, `ce-subject`, `ce-time`, `ce-specversion`, "
    "percent-encoded by the HTTP protocol binding, its `data` as the body under the body's own content type. Both at once is 415. "
    "What is quarantined of a binary event is the same event in CloudEvents' JSON format."
)
AS_OPENMETER = (
    "Takes what `POST /v1/events` takes, by the same rules, limits and keys. OpenMeter's clients expect an answer without a body, so how many "
    "events went into the quarantine is said in a header; an event without `time` goes there, because usage is never stamped on arrival."
)
