"""What persons say came of a term: the last word stands, all are kept, and what cannot be said is refused by a sentence."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import asyncpg
import msgspec
import pytest
from alembic import command

from services.signals.domain.fact import Fact
from shared.postgres.migrations import _config
from tests.conftest import TestDatabase
from tests.services.signals.conftest import Start
from tests.services.signals.deployment import START, Signals
from tests.services.signals.deployment import fact as told_fact

OVER, TO_COME = START.date(), START.date() + timedelta(days=1)


def fact(number: int, type: str = "renewal.due", term_end: date = OVER, contract: str = "acme-2024") -> Fact:
    made = told_fact(number, type)
    data = {"number": number, "term_end": term_end.isoformat()}
    return replace(made, key=(contract, str(number)), data=data, contract=contract)


async def say(
    signals: Signals, one: Fact, outcome: str, status: int = 200, actor: str | None = None
) -> dict[str, Any]:
    headers = {"U2C-Actor": actor} if actor else {}
    answer = await signals.client.post(
        f"/v1/signals/{one.signal_id}/outcome", json={"outcome": outcome}, headers=headers
    )
    assert answer.status_code == status, answer.text
    found: dict[str, Any] = answer.json()
    return found


def words(answer: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(word["outcome"], word["by"]) for word in answer["named"]]


async def test_the_last_word_of_a_person_stands_and_those_before_it_are_shown(signals: Signals) -> None:
    risky, due = fact(1, "renewal.at_risk"), fact(2)
    await signals.tell(risky, due)
    first = await say(signals, risky, "churned", actor="maria")
    assert (first["outcome"], words(first)) == ("churned", [("churned", "maria")])
    await signals.move_clock(START + timedelta(days=1))
    second = await say(signals, due, "renewed", actor="john")
    assert (second["outcome"], words(second)) == ("renewed", [("renewed", "john"), ("churned", "maria")])
    shown = await signals.get(f"/v1/signals/{risky.signal_id}")
    assert (shown["outcome"], words(shown)) == ("renewed", words(second)), (
        "it is of the term, not of one signal"
    )
    assert shown["outcome_at"] == "2024-01-02T12:00:00Z" == shown["named"][0]["at"]
    again = await say(signals, due, "renewed", actor="john")
    assert words(again) == words(second), "the same again adds nothing"
    report = await signals.get("/v1/signals/report")
    assert (report["judged"], report["called"], report["lost"], report["named"]) == (1, 1, 0, 1)


async def test_a_persons_word_stands_before_a_judgement_whichever_comes_first(signals: Signals) -> None:
    first, second = fact(1), fact(2, contract="beta-2024")
    await signals.tell(first, second)
    await say(signals, first, "churned")
    await signals.context.db.pool.executemany(
        """insert into signals.outcomes (contract, term_end, outcome, at, evidence) values ($1, $2, 'renewed', $3, $4)""",
        [(one.contract, OVER, START, EVIDENCE) for one in (first, second)],
    )
    shown = await signals.get(f"/v1/signals/{first.signal_id}")
    assert (shown["outcome"], shown["judged"]["outcome"]) == ("churned", "renewed"), "kept beside it"
    before = await signals.get(f"/v1/signals/{second.signal_id}")
    assert (before["outcome"], before["named"]) == ("renewed", [])
    after = await say(signals, second, "contracted")
    assert (after["outcome"], after["judged"]["outcome"]) == ("contracted", "renewed")
    report = await signals.get("/v1/signals/report")
    assert (report["judged"], report["lost"], report["named"], report["named_otherwise"]) == (2, 2, 2, 2)
    assert [(row["outcome"], row["named"], row["judged"]) for row in report["renewals"]] == [
        ("churned", "churned", "renewed"),
        ("contracted", "contracted", "renewed"),
    ]


async def test_a_report_shows_the_newest_and_says_how_many_more_it_counts(signals: Signals) -> None:
    await signals.context.db.pool.execute(
        """insert into signals.renewals (contract, term_end, customer_id, goes_on)
           select 'c' || n, $1::date - n, 'cus_acme', true from generate_series(1, 1002) n""",
        OVER,
    )
    report = await signals.get("/v1/signals/report")
    assert (report["outcomes"]["open"], len(report["renewals"]), report["renewals_left_out"]) == (
        1002,
        1000,
        2,
    )
    assert [report["renewals"][place]["contract"] for place in (0, -1)] == ["c1", "c1000"]


EVIDENCE = {
    "outcome": "renewed",
    "silent_days": 3,
    "currency": None,
    "before_minor": None,
    "after_minor": None,
}


async def test_what_cannot_be_said_is_refused_by_a_sentence(signals: Signals) -> None:
    ahead, drifting = fact(1, term_end=TO_COME), fact(3, "customer.drifting")
    bare = told_fact(4)
    await signals.tell(ahead, drifting, bare)
    unknown = await say(signals, fact(99), "churned", 404)
    assert unknown["code"] == "fact_not_found" and "no signal" in unknown["detail"]
    for one in (drifting, bare):
        refused = await say(signals, one, "churned", 409)
        assert refused["code"] == "signal_is_no_renewal"
        assert "renewal.due" in refused["detail"] and "GET /v1/signals" in refused["detail"]
    word = await say(signals, ahead, "lost", 422)
    assert "'renewed', 'expanded', 'contracted' or 'churned'" in str(word)
    future = await signals.client.post(
        f"/v1/signals/{ahead.signal_id}/outcome", json={"outcome": "renewed", "at": "2099-01-01T00:00:00Z"}
    )
    assert future.status_code == 422 and "at" in future.text
    assert await signals.context.db.pool.fetchval("select count(*) from signals.outcomes") == 0
    assert (await say(signals, ahead, "churned"))["outcome"] == "churned", (
        "notice is given before a term ends"
    )


async def test_two_who_speak_at_once_are_both_kept(signals: Signals) -> None:
    one = fact(1)
    await signals.tell(one)
    await asyncio.gather(
        *(say(signals, one, word, actor=who) for word, who in (("churned", "a"), ("renewed", "b")))
    )
    shown = await signals.get(f"/v1/signals/{one.signal_id}")
    assert sorted(words(shown)) == [("churned", "a"), ("renewed", "b")]
    assert shown["outcome"] == shown["named"][0]["outcome"]


async def test_how_long_signals_waited_is_told_by_seat(signals: Signals) -> None:
    """Three for the customer success manager, acknowledged after one, two and never; of two it is said on day three."""
    risky = [fact(n, "renewal.at_risk", contract=f"c{n}") for n in range(3)]
    due = fact(9, contract="c0")
    await signals.tell(*risky, due)
    for day, one in enumerate(risky[:2], start=1):
        await signals.move_clock(START + timedelta(days=day))
        await signals.post(f"/v1/signals/{one.signal_id}/acknowledge")
    await signals.move_clock(START + timedelta(days=3))
    again = await signals.post(f"/v1/signals/{risky[0].signal_id}/acknowledge")
    assert again["acknowledged_at"] == "2024-01-02T12:00:00Z", "the first time stays"
    for one in risky[:2]:
        await say(signals, one, "churned")
    times = {row.pop("seat"): row for row in (await signals.get("/v1/signals/report"))["times"]}
    day_s = 86_400
    assert times["customer success manager"] == {
        "facts": 3,
        "acknowledged": 2,
        "acknowledged_after_s": day_s * 3 // 2,
        "ended": 2,
        "outcome_after_s": 3 * day_s,
    }
    assert times["account executive"] == {
        "facts": 1,
        "acknowledged": 0,
        "acknowledged_after_s": None,
        "ended": 1,
        "outcome_after_s": 3 * day_s,
    }


async def test_medians_are_in_the_metrics_and_there_is_none_before_the_first(signals: Signals) -> None:
    from services.signals.facts.jobs import ACKNOWLEDGED, ENDED, measure

    async def shown() -> list[dict[str, float]]:
        await measure(signals.context)
        return [
            {sample.labels["seat"]: sample.value for sample in next(iter(gauge.collect())).samples}
            for gauge in (ACKNOWLEDGED, ENDED)
        ]

    one = fact(1, "renewal.at_risk")
    await signals.tell(one)
    assert await shown() == [{}, {}]
    await signals.move_clock(START + timedelta(hours=2))
    await signals.post(f"/v1/signals/{one.signal_id}/acknowledge")
    assert await shown() == [{"customer success manager": 7200.0}, {}]
    await signals.move_clock(START + timedelta(days=400))
    assert await shown() == [{}, {}], "what is a year old says nothing of today"


@pytest.mark.parametrize("over", [False, True])
async def test_an_old_book_keeps_what_persons_said_and_judges_the_rest_anew(
    database: TestDatabase, start: Start, over: bool
) -> None:
    """Before: `renewed` by the product itself, `contracted` by a person of before there was an audit, `churned` by maria, a
    word on a signal of no renewal, and `churned` without an audit row, which was the product's where the contract was over."""
    facts = [
        fact(1, contract="auto"),
        fact(2, contract="person"),
        fact(3, "renewal.at_risk", contract="maria"),
        fact(4, "customer.drifting", contract="drift"),
        fact(5, contract="gone"),
    ]
    async with start() as signals:
        await signals.tell(*facts)
    config = _config("signals", database.url("signals"), database.secret)
    await asyncio.to_thread(command.downgrade, config, "0019")
    connection = await asyncpg.connect(database.url("signals"))
    for one, outcome in zip(facts, ("renewed", "contracted", "churned", "expanded", "churned"), strict=True):
        await connection.execute(
            "update signals.facts set outcome = $2, outcome_at = $3 where signal_id = $1",
            one.signal_id,
            outcome,
            START,
        )
    after = msgspec.json.encode({"outcome": "churned", "outcome_at": START.isoformat()}).decode()
    await connection.execute(
        """insert into signals.audit (audit_id, at, actor, verb, object, object_id, after, request_id)
           values ('aud_1', now(), 'maria', 'record_signal_outcome', 'signal', $1, $2::jsonb, 'r'),
               ('aud_2', $3, 'maria', 'acknowledge_signal', 'signal', $1, '{}', 'r')""",
        facts[2].signal_id,
        after,
        START + timedelta(hours=5),
    )
    state = {"contracts": {"gone": {"over": over, "term_end": OVER.isoformat()}}}
    await connection.execute(
        """insert into signals.customer_states (customer_id, next_on, due_at, state) values ('cus_acme', $1, now(), $2::jsonb)
           on conflict (customer_id) do update set next_on = excluded.next_on, state = excluded.state""",
        OVER + timedelta(days=1),
        msgspec.json.encode(state).decode(),
    )
    await asyncio.to_thread(command.upgrade, config, "head")
    async with start() as signals:
        shown = {
            one["contract"]: (one["outcome"], words(one))
            for one in (await signals.get("/v1/signals"))["data"]
        }
        acknowledged = await signals.get(f"/v1/signals/{facts[2].signal_id}")
    assert shown == {
        "auto": (None, []),
        "person": ("contracted", [("contracted", "unknown")]),
        "maria": ("churned", [("churned", "maria")]),
        "drift": ("expanded", [("expanded", "unknown")]),
        "gone": (None, []) if over else ("churned", [("churned", "unknown")]),
    }
    assert acknowledged["acknowledged_at"] == "2024-01-01T17:00:00Z"
    ended = await connection.fetch("select contract, goes_on, look_on from signals.renewals order by 1")
    assert [(row["contract"], row["goes_on"]) for row in ended] == [
        ("auto", True),
        ("gone", not over),
        ("maria", True),
        ("person", True),
    ]
    assert {row["look_on"] for row in ended} == {date(2024, 4, 1)}, "each is judged by what followed"
    await asyncio.to_thread(command.downgrade, config, "0019")
    back = await connection.fetch(
        "select contract, outcome from signals.facts where outcome is not null order by 1"
    )
    assert [row["contract"] for row in back] == sorted(name for name, (word, _) in shown.items() if word)
    await connection.close()
