"""A fact as a webhook's body, and as a line of text for Slack and for a feed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from services.signals.domain.event_types import EVENT_TYPES
from shared.values.instants import written


@dataclass(frozen=True, slots=True)
class Event:
    """What is told. `signal_id` is the webhook's id, the same at every attempt and replay."""

    signal_id: str
    type: str
    customer: str
    contract: str | None
    occurred_at: datetime
    #: 1, 2, … per customer: attempts start in this order, and may arrive in another.
    sequence: int
    data: Mapping[str, Any]


def standard_body(event: Event) -> bytes:
    """The body by Standard Webhooks: type, timestamp of the occurrence, data; beside them whom it is about
    and its number."""
    return msgspec.json.encode(
        {
            "type": event.type,
            "timestamp": written(event.occurred_at),
            "customer": event.customer,
            "contract": event.contract,
            "sequence": event.sequence,
            "data": event.data,
        }
    )


def slack_body(event: Event) -> bytes:
    """The body an incoming webhook of Slack takes: one line of text."""
    return msgspec.json.encode({"text": sentence(event)})


def sentence(event: Event) -> str:
    """The fact in words, safe in Slack's markup."""
    known = EVENT_TYPES.get(event.type)
    about = f"{event.customer} ({event.contract})" if event.contract else event.customer
    plain = {name: value for name, value in event.data.items() if isinstance(value, str | int)}
    details = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in plain.items())
    text = f"{about}: {known.says if known else event.type} [{event.type}, {event.occurred_at:%Y-%m-%d}]" + (
        f": {details}" if details else ""
    )
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
