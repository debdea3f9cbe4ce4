"""A contract or a state that signals does not understand holds its own customer, by name, and nobody else."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from services.signals.evaluation.usecases.evaluate import evaluate_due, next_due
from shared.runtime.clock import to_us
from shared.topics.rating import (
    CONTRACTS,
    CUSTOMERS,
    ContractVersion,
    ContractVersionMessage,
    CustomerMessage,
)
from tests.services.signals.contracts import told_version, written
from tests.services.signals.deployment import START, Signals
from tests.waiting import until

UNTIL = datetime(2024, 1, 4, 12, tzinfo=UTC)
READABLE = told_version(written(contract="acme-2024"), to_us(START), to_us(START))
CUT_SHORT = "update signals.customer_states set held_until = clock_timestamp()"


def of_a_newer_language() -> ContractVersion:
    """The version as a rating tells it that has a clause this program has never heard of."""
    return ContractVersion(
        1, READABLE.effective_us, READABLE.recorded_us, "newer", {**READABLE.terms, "loyalty": {"years": 3}}
    )


async def test_a_contract_nobody_can_read_holds_its_customer_alone_and_loses_no_day(signals: Signals) -> None:
    for name in ("acme", "beta"):
        told = CustomerMessage(f"cus_{name}", 1, name, name.title(), (), "us", "UTC")
        await signals.say(CUSTOMERS, told.customer_id, told)
    await says(signals, of_a_newer_language(), revision=1)
    await signals.move_clock(UNTIL)
    await evaluated(signals, {"cus_beta": 4})
    [case] = (await signals.get("/v1/exceptions"))["data"]
    assert (case["kind"], case["reference"], case["owner"]) == (
        "contract_unreadable",
        "acme-2024",
        "operations",
    )
    assert "version 1 of acme-2024" in case["detail"] and "loyalty" in case["detail"]
    refused = await signals.get("/v1/customers/acme/signals", status=503)
    assert refused["code"] == "contract_unreadable"
    async with signals.context.db.transaction() as uow:
        due = await next_due(uow)
    assert due.due_at is not None and due.due_at < UNTIL, "the lag says that somebody waits"
    assert due.ready_at is not None and due.ready_at > UNTIL, "and nobody asks again at once"

    await signals.context.db.pool.execute(CUT_SHORT)
    await evaluated(signals, {"cus_beta": 4})
    assert len((await signals.get("/v1/exceptions"))["data"]) == 1, "it is the one that is open"

    await says(signals, READABLE, revision=2)
    await signals.context.db.pool.execute(CUT_SHORT)
    await evaluated(signals, {"cus_acme": 4, "cus_beta": 4})
    assert (await signals.get("/v1/exceptions"))["data"] == []
    standing = await signals.get("/v1/customers/acme/signals")
    assert list(standing["evaluated"]["contracts"]) == ["acme-2024"]


async def test_a_state_nobody_can_read_holds_its_customer_alone_and_is_not_lost(signals: Signals) -> None:
    """As after going back to the version of before: what the newer one left stays as it is."""
    for name in ("acme", "beta", "gamma"):
        told = CustomerMessage(f"cus_{name}", 1, name, name.title(), (), "us", "UTC")
        await signals.say(CUSTOMERS, told.customer_id, told)
    await says(signals, READABLE, revision=1)
    newer = {"version": 99, "known_on": "2024-01-01", "mood": "sunny"}
    pool = signals.context.db.pool
    await until(lambda: pool.fetchval("select count(*) = 3 from signals.customer_states"))
    await pool.execute("update signals.customer_states set state = $1 where customer_id = 'cus_acme'", newer)
    await pool.execute(
        """update signals.customer_states set state = '{"trend": "sideways"}' where customer_id = 'cus_gamma'"""
    )
    await signals.move_clock(UNTIL)
    await evaluated(signals, {"cus_beta": 4})
    cases = {case["reference"]: case for case in (await signals.get("/v1/exceptions"))["data"]}
    assert {(case["kind"], case["owner"]) for case in cases.values()} == {("state_unreadable", "operations")}
    assert cases.keys() == {"acme", "gamma"}
    assert "99" in cases["acme"]["detail"] and "run signals in the version" in cases["acme"]["detail"]
    assert "sideways" in cases["gamma"]["detail"]
    kept = "select state from signals.customer_states where customer_id = 'cus_acme'"
    assert await pool.fetchval(kept) == newer

    await pool.execute(
        """update signals.customer_states set held_until = clock_timestamp(), state = '{"known_on": "2024-01-01"}'
           where customer_id <> 'cus_beta'"""
    )
    await evaluated(signals, {"cus_acme": 4, "cus_beta": 4, "cus_gamma": 4})
    assert (await signals.get("/v1/exceptions"))["data"] == []


async def says(signals: Signals, version: ContractVersion, revision: int) -> None:
    await signals.say(
        CONTRACTS,
        "acme-2024",
        ContractVersionMessage("acme-2024", revision, "cus_acme", "acme", chain=1, version=version),
    )


async def evaluated(signals: Signals, days: dict[str, int]) -> None:
    """Evaluate as the service's own job does beside this, until nobody is found and both are done."""

    async def done() -> bool:
        async with signals.context.db.transaction() as uow:
            found = await evaluate_due(uow, UNTIL, signals.context.state.policy, 100)
        return not found and await evaluated_days(signals) == days

    await until(done)


async def evaluated_days(signals: Signals) -> dict[str, int]:
    """Customer → how many days are evaluated, of which none is left out."""
    rows: list[Any] = await signals.context.db.pool.fetch(
        "select customer_id, array_agg(day order by day) as days from signals.standings group by 1"
    )
    for row in rows:
        assert row["days"] == [date(2024, 1, 1) + timedelta(days=n) for n in range(len(row["days"]))]
    return {row["customer_id"]: len(row["days"]) for row in rows}
