"""What the API shows of the quarantine."""

import base64
from collections.abc import Sequence
from dataclasses import fields
from datetime import date, datetime
from typing import Annotated, Any, Literal, Self

from pydantic import Field

from services.usage_ingest.quarantine.rows import (
    OWNER,
    By,
    QuarantinedBytes,
    QuarantinedEvent,
    QuarantineGroup,
    Status,
)
from services.usage_ingest.quarantine.usecases.find import GROUPS_MAX
from services.usage_ingest.quarantine.usecases.resolve import Replayed
from services.usage_ingest.quarantine.usecases.try_out import Judgement
from services.usage_ingest.quarantine.usecases.walk_open import Walked
from shared.http.answers import Answer, Instant
from shared.http.shown_names import Owner
from shared.values.made_from import made_from


class QuarantinedEventAnswer(Answer):
    """An event that could not be taken, without its bytes. What of it could not be read is empty."""

    object: Literal["quarantined_event"] = "quarantined_event"
    quarantine_id: Annotated[str, Field(examples=["qua_0355r6GE5yU135fW6KlO0n"])]
    status: Status
    by: By
    """Who could not take it: the door, or metering after it"""
    code: Annotated[str, Field(examples=["time_missing"])]
    detail: Annotated[str, Field(examples=["`time` is missing; send RFC 3339 with an offset"])]
    """Names the fault and the remedy"""
    source: str
    id: str
    type: str
    subject: str
    time: Instant | None
    key_id: str
    """The key that sent it, or where it lay on usage.raw: topic:partition:from-to"""
    request_id: str
    index: int
    """Its place in the request, from 0, or its offset in that run"""
    received_at: Instant
    business_at: Instant
    resolved_at: Instant | None
    resolved_by: str | None
    resolution: str | None
    """The reason it was discarded for"""

    @classmethod
    def of(cls, row: QuarantinedEvent) -> Self:
        return cls(**_described(row))


class QuarantinedBytesAnswer(QuarantinedEventAnswer):
    """An event of the quarantine with its bytes: as text where they are UTF-8, and always in base64."""

    raw: str | None
    raw_base64: str | None
    repaired: str | None
    repaired_base64: str | None

    @classmethod
    def whole(cls, row: QuarantinedBytes) -> Self:
        return cls(
            **_described(row),
            raw=_text(row.raw),
            raw_base64=_base64(row.raw),
            repaired=_text(row.repaired),
            repaired_base64=_base64(row.repaired),
        )


class ReplayAnswer(Answer):
    """What a replay of several did, or would do."""

    object: Literal["replay"] = "replay"
    replayed: Annotated[int, Field(ge=0)]
    still_open: Annotated[int, Field(ge=0)]
    more: bool
    """Whether some were not reached: ask again with `after`"""
    after: str
    dry_run: bool

    @classmethod
    def of(cls, done: Replayed, *, dry_run: bool) -> Self:
        return made_from(cls, done, dry_run=dry_run)


class DiscardAnswer(Answer):
    """What a discard of several did, or would do."""

    object: Literal["discard"] = "discard"
    discarded: Annotated[int, Field(ge=0)]
    more: bool
    """Whether some were not reached: ask again with `after`"""
    after: str
    dry_run: bool

    @classmethod
    def of(cls, done: Walked, *, dry_run: bool) -> Self:
        return made_from(cls, done, discarded=done.counted, dry_run=dry_run)


class JudgementAnswer(Answer):
    """Whether an event would be accepted now; nothing was changed."""

    object: Literal["judgement"] = "judgement"
    quarantine_id: Annotated[str, Field(examples=["qua_0355r6GE5yU135fW6KlO0n"])]
    passes: bool
    code: Annotated[str | None, Field(examples=["time_missing"])]
    """Under which it would be kept; null where it passes"""
    detail: str | None
    """Names the fault and the remedy"""

    @classmethod
    def of(cls, found: Judgement) -> Self:
        return made_from(cls, found)


class QuarantineGroupAnswer(Answer):
    """Events that have something in common."""

    code: Annotated[str | None, Field(examples=["time_missing"])]
    """Null where `group_by` does not ask for it, as are source and day"""
    source: str | None
    day: date | None
    """On which they were received, in UTC"""
    events: int
    oldest: Instant
    """When the first of them was received"""
    newest: Instant

    @classmethod
    def of(cls, row: QuarantineGroup) -> Self:
        return made_from(cls, row)


class QuarantineSummaryAnswer(Answer):
    """How many events there are, and in which groups."""

    object: Literal["quarantine_summary"] = "quarantine_summary"
    events: int
    oldest: Instant | None
    """When the first of them was received; null where there is none"""
    owner: Owner
    """Who mends what cannot be taken"""
    groups: list[QuarantineGroupAnswer]
    """The largest first"""
    more: bool
    """There are more groups than are shown"""

    @classmethod
    def of(cls, groups: Sequence[QuarantineGroup], events: int, oldest: datetime | None) -> Self:
        return cls(
            events=events,
            oldest=oldest,
            owner=OWNER,
            groups=list(map(QuarantineGroupAnswer.of, groups[:GROUPS_MAX])),
            more=len(groups) > GROUPS_MAX,
        )


def _described(row: QuarantinedEvent) -> dict[str, Any]:
    names = {field.name for field in fields(QuarantinedEventAnswer)} - {"object", "index"}
    return {"index": row.index_, **{name: getattr(row, name) for name in names}}


def _text(value: bytes | None) -> str | None:
    try:
        return None if value is None else value.decode()
    except UnicodeDecodeError:
        return None


def _base64(value: bytes | None) -> str | None:
    return None if value is None else base64.b64encode(value).decode()
