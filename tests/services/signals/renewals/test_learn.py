"""p_renew is learned from outcomes, once for all customers and again when one is new: their base rate while there are
few."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from services.signals.evaluation.usecases.evaluate import evaluate_due
from services.signals.renewals.repository import RenewalRepository
from services.signals.renewals.usecases.learn import learn
from tests.services.signals.deployment import START, Signals

ENDED = date(2023, 10, 1)
FILL = """
with term as (select n, 'c' || n as contract, 'cus_' || n as customer_id, n % 4 = 0 as lost
    from generate_series($1::int, $2::int) n),
noted as (insert into signals.renewals select contract, $3::date, customer_id, true, null from term),
stood as (insert into signals.standings
    select customer_id, $3::date, $3::date::timestamptz, jsonb_build_object(
        'numbers', jsonb_build_object('silent_days', case when lost then '40' else '0' end),
        'use', jsonb_build_object('events_28_days', case when lost then 0 else 90 end, 'days_since_first_use', 300 + n),
        'score_p', case when lost then '0.99' else '0.1' end, 'p_gone', case when lost then '0.99' else '0.1' end)
    from term)
insert into signals.outcomes (contract, term_end, outcome, at, evidence)
select contract, $3::date, case when lost then 'churned' else 'renewed' end, $4, '{}' from term
"""
SAID_BY_HAND = """insert into signals.outcomes (signal_id, contract, term_end, outcome, by, at)
    values ('sig_1', $1, $2, $3, 'dana', $4)"""


async def learned(signals: Signals) -> bool:
    async with signals.context.db.transaction() as uow:
        return await learn(uow, START)


async def model(signals: Signals) -> Any:
    async with signals.context.db.transaction() as uow:
        return await RenewalRepository(uow.connection).model()


async def fill(signals: Signals, first: int, last: int) -> None:
    await signals.context.db.pool.execute(FILL, first, last, ENDED, START)


async def test_fewer_than_sixty_outcomes_are_a_base_rate_and_more_are_fitted(signals: Signals) -> None:
    assert not await learned(signals) and await model(signals) is None, "nothing came of anything yet"
    await fill(signals, 1, 40)
    assert await learned(signals) and not await learned(signals), "and again only when an outcome is new"
    few = await model(signals)
    assert (few.outcomes, few.base_rate, few.is_fitted) == (40, 0.25, False)
    await fill(signals, 41, 80)
    assert await learned(signals)
    many = await model(signals)
    assert (many.outcomes, many.base_rate, many.is_fitted) == (80, 0.25, True)


async def test_the_last_word_of_a_person_is_what_is_learned(signals: Signals) -> None:
    await fill(signals, 1, 4)
    pool = signals.context.db.pool
    await pool.execute(SAID_BY_HAND, "c4", ENDED, "churned", START)
    await pool.execute(SAID_BY_HAND, "c4", ENDED, "renewed", START)
    await pool.execute(SAID_BY_HAND, None, None, "churned", START)
    assert await learned(signals)
    assert ((await model(signals)).outcomes, (await model(signals)).base_rate) == (4, 0.0)
    await pool.execute(SAID_BY_HAND, "c3", ENDED, "contracted", START)
    assert await learned(signals) and (await model(signals)).base_rate == 0.25


async def test_each_evaluation_says_what_was_learned_and_from_how_many(signals: Signals) -> None:
    await fill(signals, 1, 80)
    assert await learned(signals)
    day, pool = date(2023, 12, 20), signals.context.db.pool
    for name, events in (("busy", 4), ("quiet", 0)):
        await pool.execute("insert into signals.customers values ('cus_' || $1, 1, $1, $1, 'UTC')", name)
        days = [4] * 60 + [events] * 40
        await pool.execute(
            """insert into signals.rollups values ('cus_' || $1, 'calls', $2, $3, $4, $5, convert_to($6, 'UTF8'), 400, 0, null)""",
            name,
            day - timedelta(days=100),
            day - timedelta(days=100, weeks=0) - timedelta(days=(day - timedelta(days=100)).weekday()),
            days,
            [28] * 8 + [events * 7] * 6,
            "[" + ",".join(f'"{n}"' for n in days) + "]",
        )
        await pool.execute(
            "insert into signals.customer_states values ('cus_' || $1, $2, $3, '{}')",
            name,
            day,
            datetime(2023, 12, 20, 6, tzinfo=UTC),
        )
    async with signals.context.db.transaction() as uow:
        assert await evaluate_due(
            uow, datetime(2023, 12, 20, 7, tzinfo=UTC), signals.context.state.policy, 10
        )
    said = {row["customer"]: row for row in (await signals.get("/v1/customers"))["data"]}
    assert float(said["busy"]["p_renew"]) > 0.8 > 0.5 > float(said["quiet"]["p_renew"])
    shown = (await signals.get("/v1/customers/busy/signals"))["evaluated"]
    assert shown["learned_from"] == {"outcomes": 80, "fitted": True}
    assert shown["use"] == {"events_28_days": 112, "days_since_first_use": 100}
