"""A batch row says what came of each source, and its sums are its columns: through the handler, and through
the consumer with what it sets aside."""

from typing import Any

from shared.bus import Record
from shared.bus.batch_rows import OUTCOMES
from shared.db.unit_of_work import Database
from shared.topics.usage_ingest import USAGE_EVENTS
from tests.conftest import say
from tests.services.rating.deployment import Deployment, event, utc, void
from tests.services.rating.metering.batches import Metering
from tests.services.rating.metering.batches import event as sent
from tests.services.rating.metering.batches import void as taken_back

NOON = utc("2024-01-05T12:00:00")


async def test_a_batch_is_counted_by_source(db: Database, metering: Metering) -> None:
    first = await metering.take(
        sent("1", source="a"),
        sent("1", source="a"),
        sent("1", source="b"),
        taken_back("1", source="b"),
        sent("2", source="a"),
    )
    assert first.sources == {"a": {"new": 2, "duplicate": 1}, "b": {"new": 1, "void": 1}}
    again = await metering.take(
        sent("1", source="a", data={"n": 2}),
        sent("2", source="a"),
        taken_back("1", source="b"),
        taken_back("1", source="b"),
    )
    assert again.sources == {"a": {"conflict": 1, "duplicate": 1}, "b": {"duplicate": 2}}


async def test_the_sums_of_a_batch_row_are_its_columns(rating: Deployment) -> None:
    """Dead letters too: under the source they name, or under none."""
    await rating.send(event("1", "acme", NOON), event("1", "acme", NOON), void("1"))
    await say(
        rating.database.admin_url,
        USAGE_EVENTS.name,
        [
            Record(b"x", b'{"source": "press", "id": "1", "received_us": "noon"}'),
            Record(b"y", b"no JSON"),
            Record(b"z", b'{"source": 7}'),
        ],
    )
    await rating.settled()
    rows = await rating.context.db.pool.fetch(
        f"select {', '.join(OUTCOMES)}, sources from bus.batches where grp = 'rating' and topic = 'usage.events'"
    )
    whole: dict[str, dict[str, int]] = {}
    for row in rows:
        assert _summed(row["sources"]) == {outcome: row[outcome] for outcome in OUTCOMES if row[outcome]}
        for source, counts in row["sources"].items():
            for outcome, count in counts.items():
                whole.setdefault(source, {}).setdefault(outcome, 0)
                whole[source][outcome] += count
    assert whole == {"test": {"new": 1, "duplicate": 1, "void": 1}, "press": {"dead": 1}, "": {"dead": 2}}
    others = await rating.context.db.pool.fetch(
        "select distinct sources from bus.batches where topic <> 'usage.events'"
    )
    assert all(row["sources"] is None for row in others), "other groups keep none"


def _summed(sources: dict[str, dict[str, int]]) -> dict[str, Any]:
    sums: dict[str, int] = {}
    for counts in sources.values():
        for outcome, count in counts.items():
            sums[outcome] = sums.get(outcome, 0) + count
    return sums
