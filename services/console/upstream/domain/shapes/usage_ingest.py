"""What usage_ingest answers."""

from msgspec import Struct

from services.console.upstream.domain.shapes.parts import EXCEPTIONS, Instant, Listed


class QuarantinedEvent(Struct, frozen=True):
    quarantine_id: str
    status: str
    code: str
    detail: str
    source: str
    id: str
    type: str
    subject: str
    key_id: str
    received_at: Instant
    resolved_at: Instant | None
    resolved_by: str | None
    resolution: str | None


class QuarantinedBytes(QuarantinedEvent, frozen=True):
    raw: str | None
    raw_base64: str | None
    repaired: str | None
    repaired_base64: str | None


class QuarantineGroup(Struct, frozen=True):
    """By code, as pages ask."""

    code: str
    events: int
    oldest: Instant


class QuarantineSummary(Struct, frozen=True):
    events: int
    oldest: Instant | None
    owner: str
    groups: list[QuarantineGroup]

    def __post_init__(self) -> None:
        if self.events and self.oldest is None:
            raise ValueError("events without the oldest")


class Resolved(Struct, frozen=True):
    status: str
    detail: str


ANSWERS = {
    **EXCEPTIONS,
    ("GET", "/v1/quarantine"): Listed[QuarantinedEvent],
    ("GET", "/v1/quarantine/{}"): QuarantinedBytes,
    ("GET", "/v1/quarantine/summary"): QuarantineSummary,
    **{("POST", f"/v1/quarantine/{{}}/{act}"): Resolved for act in ("replay", "repair", "discard")},
}
