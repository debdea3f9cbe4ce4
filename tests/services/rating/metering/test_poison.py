"""What the store can never take is refused as poison; what merely looks odd is taken whole."""

import msgspec
import pytest

from services.rating.metering.domain.arrival import UsageUnstorable
from services.rating.metering.domain.unfit import as_sent
from services.rating.metering.repository.columns import joined
from shared.db.unit_of_work import Database
from shared.topics.usage_ingest import USAGE_QUARANTINE, UsageMessage
from tests.services.rating.metering import book
from tests.services.rating.metering.batches import Metering, event
from tests.services.rating.metering.book import aggregates, meter, rows


@pytest.mark.parametrize(
    "fault",
    [
        {"id": "nul\0"},
        {"subject": ""},
        {"subject": "s" * 256},
        {"type": ""},
        {"time_us": 2**60},
        {"body_hash": "zz" * 16},
        {"body_hash": "ab"},
        {"kind": "rumour"},
        {"data": msgspec.Raw(b'{"a":"\\u0000"}')},
        {"data": msgspec.Raw(b'{"a":')},
    ],
)
async def test_poison_stores_nothing_and_goes_to_the_quarantine(
    db: Database, metering: Metering, fault: dict[str, object]
) -> None:
    """What does not show at first is refused by the store; the batch is tried again and looked at closely."""
    poison: UsageMessage = msgspec.structs.replace(event("2"), **fault)
    try:
        counts = await metering.take(event("1"), poison)
    except UsageUnstorable:
        assert (
            await rows(db, "select from rating.events") == []
            and await rows(db, "select from rating.event_keys") == []
        )
        counts = await metering.take(event("1"), poison)
    assert (counts.new, counts.quarantined) == (1, 1)
    assert [row["id"] for row in await rows(db, "select id from rating.events")] == ["1"]
    [told] = await rows(db, "select value from rating.outbox where topic = 'usage.quarantine'")
    kept = USAGE_QUARANTINE.decode(told["value"])
    assert (
        (kept.by, kept.subject) == ("metering", poison.subject)
        and kept.code
        and (kept.raw == as_sent(poison))
    )


async def test_odd_texts_keep_apart(db: Database, metering: Metering) -> None:
    odd = ["\x1f", "a\x1fb", "\x1f\x1f", "\u2028", "'; drop table", "\\N", "é" * 200, "\ud7ff", "𝄞", ","]
    await meter(db, "calls", **book.CALLS)
    await meter(db, "users", **book.USERS)
    await metering.take(
        *[
            event(f"{n}{text}", f"s{text[:40]}", data={"region": text, "user": text}, source=text)
            for n, text in enumerate(odd)
        ]
    )
    found = await aggregates(db)
    regions = {msgspec.json.decode(key[2])["region"] for key in found.hours}
    assert regions == {
        text if len(text.encode()) <= 128 else next(r for r in regions if r.startswith("sha256:"))
        for text in odd
    }
    assert {key[4] for key in found.uniques} == regions and len(found.hours) == len(odd)
    stored = {
        (row["source"], row["subject"]) for row in await rows(db, "select source, subject from rating.events")
    }
    assert stored == {(text, f"s{text[:40]}") for text in odd}
    assert {row["subject"] for row in await rows(db, "select subject from rating.marks")} == {
        f"s{text[:40]}" for text in odd
    }


async def test_numbers_in_data_are_exact_whatever_their_spelling(db: Database, metering: Metering) -> None:
    await meter(db, "seconds", **{**book.SECONDS, "group_by": []})
    spelt = [
        b"1",
        b"1.0",
        b"1e0",
        b'"1"',
        b"0.1",
        b"1E-12",
        b"9999999999999999999",
        b"-9999999999999999999",
        b"0.000000000001",
    ]
    for n, text in enumerate(spelt):
        message = event(str(n))
        await metering.take(msgspec.structs.replace(message, data=msgspec.Raw(b'{"seconds":' + text + b"}")))
    assert [str(value) for _, value in (await aggregates(db)).hours.values()] == ["4.100000000002"]


def test_joined_columns_choose_a_delimiter_no_text_contains() -> None:
    delimiter, first, second = joined(["a\x1fb", "\x1f"], ["c", "d"])
    assert first.split(delimiter) == ["a\x1fb", "\x1f"] and second.split(delimiter) == ["c", "d"]
    assert joined(["a", "b"]) == ("\x1f", "a\x1fb")
