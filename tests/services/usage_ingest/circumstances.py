"""What events of these tests are judged by: a business clock at 15 July 2013, three meters, one customer."""

from datetime import UTC, datetime, timedelta

import msgspec

from services.usage_ingest.domain.acceptance import Acceptance, accept
from services.usage_ingest.domain.catalogue import Catalogue
from services.usage_ingest.domain.events import Circumstances
from shared.runtime.clock import to_us
from shared.topics.rating import CustomerMessage, MeterMessage

NOW = datetime(2013, 7, 15, 12, tzinfo=UTC)


def meter(
    name: str,
    aggregation: str,
    field: str | None = None,
    missing: str = "quarantine",
    revision: int = 1,
    **more: object,
) -> MeterMessage:
    filters: dict[str, tuple[str, ...]] = more.get("filters", {})  # type: ignore[assignment]
    return MeterMessage(name, revision, "departure", aggregation, field, missing, (), filters, None, None)


def customer(external_id: str, *aliases: str, revision: int = 1) -> CustomerMessage:
    return CustomerMessage(f"cus_{external_id}", revision, external_id, external_id, aliases, "main", "UTC")


def catalogue() -> Catalogue:
    found = Catalogue()
    found.hear_meters(
        [
            meter("departures", "count"),
            meter("miles", "sum", "distance"),
            meter("tails", "unique", "tail", "ignore"),
        ]
    )
    found.hear_customers([customer("UA", "united")])
    return found


def circumstances(known: Catalogue | None = None) -> Circumstances:
    earliest, latest = NOW - timedelta(days=800), NOW + timedelta(minutes=5)
    return Circumstances(
        known or catalogue(),
        received_us=1,
        business_us=to_us(NOW),
        earliest_us=to_us(earliest),
        latest_us=to_us(latest),
    )


def event(**changes: object) -> dict[str, object]:
    """A plain event; a change to None leaves the attribute out."""
    plain: dict[str, object] = {
        "specversion": "1.0",
        "id": "e1",
        "source": "gate",
        "type": "departure",
        "subject": "UA",
        "time": "2013-07-15T11:00:00Z",
        "data": {"distance": 1400, "tail": "N1"},
    }
    return {name: value for name, value in {**plain, **changes}.items() if value is not None}


def judge(*events: object, known: Catalogue | None = None) -> Acceptance:
    """Accept events given as Python values or as the very bytes."""
    into = Acceptance()
    accept(
        [one if isinstance(one, bytes) else msgspec.json.encode(one) for one in events],
        circumstances(known),
        into,
    )
    return into


def codes(acceptance: Acceptance) -> list[str]:
    return [result.code for result in acceptance.results]
