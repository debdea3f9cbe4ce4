"""What signals says: behavioural facts, for anyone."""

from typing import Any

import msgspec

from shared.topics.registry import Topic, TopicKind, fields


class SignalMessage(msgspec.Struct, frozen=True, omit_defaults=True):
    """A fact about a customer: a threshold crossed, a renewal due."""

    signal_id: str  # derived, so the same fact is told once
    type: str  # e.g. renewal.due
    customer_id: str
    customer: str
    occurred_us: int  # business clock
    data: dict[str, Any]
    contract: str | None = None


SIGNALS = Topic("signals.signals", SignalMessage, TopicKind.FACT, fields("customer"), "signals", ())
