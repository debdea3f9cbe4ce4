"""Who asks what waits looks at those of whom something may, however many customers there are."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any, Final

import asyncpg
import pytest

from services.rating.disposition.repository.suspense import SuspenseRepository
from services.rating.disposition.rows import SuspenseFilter
from tests.conftest import TestDatabase
from tests.services.billing.documents.test_plans import Explaining
from tests.services.rating.deployment import utc
from tests.shared.http.test_audit_plans import read

CUSTOMERS, EVENTS_EACH, WAITING = 4000, 10, 120
BEGIN: Final = utc("2024-01-01T00:00:00")
FILL: Final = (
    """insert into rating.customers (customer_id, external_id, name, legal_entity, timezone, revision, created_at)
        select 'cus_' || n, 'c' || n, 'Name', 'default', 'UTC', 1, $2 from generate_series(1, $1::int) n""",
    """insert into rating.subjects (subject, customer_id, alias)
        select 'c' || n, 'cus_' || n, false from generate_series(1, $1::int) n where $2::timestamptz is not null""",
    """insert into rating.contracts (contract, customer_id, revision)
        select 'k' || n, 'cus_' || n, 1 from generate_series(1, $1::int) n where $2::timestamptz is not null""",
    """insert into rating.periods (contract, period_start, period_end, start_date, end_date, whole_days, close_due_at)
        select 'k' || n, $2::timestamptz, $2::timestamptz + interval '31 days', '2024-01-01', '2024-01-31', 31,
            $2::timestamptz + interval '34 days' from generate_series(1, $1::int) n""",
    """insert into rating.meters (meter, revision, event_type, aggregation, missing, group_by, filters, created_at, backfilled,
            counts_since)
        select 'calls', 1, 'call', 'count', 'ignore', '{}', '{}', $2::timestamptz, true, 1 where $1::int > 0""",
    f"""insert into rating.events (batch_id, seq, partition, received_at, key, source, id, type, subject, time, data)
        select 1, n, 0, $2::timestamptz, sha256(convert_to(n::text, 'UTF8')), 's', n::text, 'call',
            case when n % ($1 + {WAITING}) < $1 then 'c' || n % ($1 + {WAITING}) + 1 else 'u' || n % ($1 + {WAITING}) end,
            $2::timestamptz + interval '1 hour', '{{}}'
        from generate_series(0, ($1::int + {WAITING}) * {EVENTS_EACH} - 1) n""",
    """insert into rating.suspense_candidates (subject)
        select distinct subject from rating.events where subject like 'u%' and $1::int > 0
            and $2::timestamptz is not null""",
    """update rating.fold_state set watermark = '{"0": 1}'
        where $1::int > 0 and $2::timestamptz is not null""",
)


@pytest.fixture
async def filled(database: TestDatabase) -> AsyncIterator[asyncpg.Connection]:
    settings = {"timezone": "UTC", "jit": "off", "plan_cache_mode": "force_custom_plan"}
    connection = await asyncpg.connect(database.admin_url, server_settings=settings)
    try:
        for statement in FILL:
            await connection.execute(statement, CUSTOMERS, BEGIN)
        await connection.execute("analyze")
        yield connection
    finally:
        await connection.close()


async def test_what_waits_is_found_without_those_of_whom_nothing_does(filled: Any) -> None:
    looking = Explaining(filled)
    repository = SuspenseRepository(looking)  # type: ignore[arg-type]
    wanted = SuspenseFilter(BEGIN, BEGIN + timedelta(days=31))
    every = await repository.waiting(wanted, None, 1000)
    assert len(every) == WAITING and {row.events for row in every} == {EVENTS_EACH}
    # that a subject has no customer is read off a small table whole
    of_all, least = read(looking.plans[0]), CUSTOMERS + WAITING
    assert of_all < least + 4 * WAITING * EVENTS_EACH, looking.plans[0]
    page = await repository.waiting(wanted, None, 11)
    assert page == every[:11]
    assert read(looking.plans[1]) < least + 4 * 13 * EVENTS_EACH, looking.plans[1]
    last = every[99]
    after = (last.owner, last.type, f"{last.month:%Y-%m}", last.reason)
    assert await repository.waiting(wanted, after, 11) == every[100:111]
    assert read(looking.plans[2]) < least + 4 * 13 * EVENTS_EACH, looking.plans[2]


async def test_of_a_subject_with_much_usage_its_other_types_are_left_alone(filled: Any) -> None:
    """One event of another type makes a customer a candidate; all its calls are taken and within a period."""
    await filled.execute(
        """insert into rating.events (batch_id, seq, partition, received_at, key, source, id, type, subject, time, data)
            select 1, 1000000 + n, 0, $1::timestamptz, sha256(convert_to('more' || n, 'UTF8')), 's', 'more' || n,
                case n when 0 then 'unheard' else 'call' end, 'c1', $1::timestamptz + interval '2 hours', '{}'
            from generate_series(0, 20000) n""",
        BEGIN,
    )
    await filled.execute("insert into rating.suspense_candidates (subject) values ('c1')")
    await filled.execute("analyze rating.events")
    looking = Explaining(filled)
    [first, *_] = await SuspenseRepository(looking).waiting(  # type: ignore[arg-type]
        SuspenseFilter(BEGIN, BEGIN + timedelta(days=31)), None, 1
    )
    assert (first.owner, first.type, first.reason, first.events) == ("c1", "unheard", "no_meter", 1)
    assert read(looking.plans[0]) < 2 * CUSTOMERS, looking.plans[0]
