"""Statements follow usage, contracts and the clock, on a real Postgres with the service running."""

from datetime import timedelta
from decimal import Decimal

import asyncpg
import pytest

from services.rating.statements.usecases import explain_line
from shared.pricing.explanation.paper import NOT_KEPT
from shared.pricing.results import PricedPeriod
from tests.services.rating.deployment import Deployment, event, terms, utc, void


async def started(rating: Deployment) -> None:
    await rating.customer("acme")
    await rating.meter("calls")


async def test_usage_is_priced_and_explained(rating: Deployment) -> None:
    await started(rating)
    await rating.apply(terms("acme-1", "acme"))
    await rating.send(*(event(f"e{n}", "acme", utc("2024-01-05T10:00:00")) for n in range(3)))
    await rating.settled()
    statement = await rating.statement("acme-1", "2024-01-01")
    (line,) = statement["lines"]
    assert (line["key"], line["quantity"], line["amount"], statement["subtotal"], statement["final"]) == (
        "calls",
        "3",
        "6.00",
        "6.00",
        False,
    )
    told = await rating.client.get(f"/v1/statements/acme-1/2024-01-01/lines/{line['id']}/explanation")
    assert sum(Decimal(step["amount"]) for step in told.json()["steps"] if step["amount"]) == Decimal("6.00")
    counted = (
        await rating.client.get(
            f"/v1/statements/acme-1/2024-01-01/lines/{line['id']}/events", params={"limit": 2}
        )
    ).json()
    rest = (
        await rating.client.get(
            f"/v1/statements/acme-1/2024-01-01/lines/{line['id']}/events",
            params={"cursor": counted["next_cursor"]},
        )
    ).json()
    assert (
        sorted(e["id"] for e in counted["data"] + rest["data"]) == ["e0", "e1", "e2"] and not rest["has_more"]
    )
    cost = (await rating.client.get("/v1/customers/acme/cost")).json()
    assert [(c["contract"], c["subtotal"]) for c in cost["contracts"]] == [("acme-1", "6.00")]


async def test_a_contract_that_comes_after_its_usage_gets_every_past_period(rating: Deployment) -> None:
    await started(rating)
    await rating.send(
        event("jan", "acme", utc("2024-01-05T10:00:00")), event("feb", "acme", utc("2024-02-05T10:00:00"))
    )
    await rating.advance(utc("2024-03-10T00:00:00"))
    await rating.apply(terms("acme-1", "acme"))
    await rating.settled()
    amounts = {
        start: (await rating.stored("acme-1", start)).subtotal_minor
        for start in ("2024-01-01", "2024-02-01", "2024-03-01")
    }
    assert amounts == {"2024-01-01": 200, "2024-02-01": 200, "2024-03-01": 0}


async def test_an_alias_brings_its_earlier_usage(rating: Deployment) -> None:
    await started(rating)
    await rating.apply(terms("acme-1", "acme"))
    await rating.send(event("e1", "acme-emea", utc("2024-01-05T10:00:00")))
    await rating.settled()
    assert (await rating.stored("acme-1", "2024-01-01")).subtotal_minor == 0
    await rating.alias("acme", "acme-emea")
    await rating.settled()
    assert (await rating.stored("acme-1", "2024-01-01")).subtotal_minor == 200


async def test_every_period_gets_a_statement_also_at_zero_usage(rating: Deployment) -> None:
    await started(rating)
    await rating.apply(terms("acme-1", "acme", term={"start": "2024-01-01", "months": 3}))
    await rating.advance(utc("2024-05-15T00:00:00"))
    listed = (await rating.client.get("/v1/statements", params={"contract": "acme-1", "limit": 200})).json()[
        "data"
    ]
    assert [(s["period"]["start"], s["subtotal"], s["final"]) for s in listed] == [
        (f"2024-0{month}-01", "0.00", True) for month in (1, 2, 3)
    ]


async def test_terms_that_renew_run_on(rating: Deployment) -> None:
    await started(rating)
    await rating.apply(
        terms(
            "acme-1",
            "acme",
            term={"start": "2024-01-01", "months": 1},
            renewal={"auto": True, "notice_days": 30},
        )
    )
    await rating.advance(utc("2024-03-01T00:00:00"))
    assert not (await rating.stored("acme-1", "2024-03-01")).final


async def test_periods_of_kathmandu_begin_and_end_at_local_midnight(rating: Deployment) -> None:
    """Kathmandu is at +5:45, so the edges of January lie inside an hour of the aggregates."""
    await started(rating)
    edge, end = utc("2023-12-31T18:15:00"), utc("2024-01-31T18:15:00")
    await rating.apply(terms("acme-1", "acme", timezone="Asia/Kathmandu"))
    moments = {
        "before": edge - timedelta(seconds=1),
        "first": edge,
        "last": end - timedelta(seconds=1),
        "after": end,
    }
    await rating.send(*(event(name, "acme", moment) for name, moment in moments.items()))
    await rating.settled()
    january = await rating.stored("acme-1", "2024-01-01")
    assert (january.period_start_us, january.period_end_us) == (
        int(edge.timestamp()) * 10**6,
        int(end.timestamp()) * 10**6,
    )
    assert str(january.lines[0].quantity) == "2"


async def test_a_month_across_dst_is_an_hour_shorter(rating: Deployment) -> None:
    await started(rating)
    await rating.apply(terms("acme-1", "acme", timezone="America/New_York"))
    await rating.send(
        event("last", "acme", utc("2024-04-01T03:59:59")), event("next", "acme", utc("2024-04-01T04:00:00"))
    )
    await rating.advance(utc("2024-04-02T00:00:00"))
    await rating.settled()
    march, april = await rating.stored("acme-1", "2024-03-01"), await rating.stored("acme-1", "2024-04-01")
    assert march.period_end_us - march.period_start_us == (31 * 24 - 1) * 3600 * 10**6
    assert [str(s.lines[0].quantity) for s in (march, april)] == ["1", "1"]


async def test_an_amendment_within_the_period_splits_the_price_at_its_instant(rating: Deployment) -> None:
    await started(rating)
    await rating.apply(terms("acme-1", "acme"))
    await rating.send(
        event("old", "acme", utc("2024-01-15T11:59:59")), event("new", "acme", utc("2024-01-15T12:00:00"))
    )
    await rating.settled()
    changed = terms("acme-1", "acme", effective="2024-01-15T12:00:00Z")
    changed["lines"][0]["price"]["unit"] = "3.00"
    answer = await rating.apply(changed)
    assert (answer["version"], answer["created"]) == (2, True)
    await rating.settled()
    statement = await rating.stored("acme-1", "2024-01-01")
    assert [(s.version, str(s.quantity), str(s.exact)) for s in statement.lines[0].segments] == [
        (1, "1", "2.00"),
        (2, "1", "3.00"),
    ]
    assert (statement.subtotal_minor, statement.contract_versions) == (500, (1, 2))


async def test_the_same_content_is_no_new_version(rating: Deployment) -> None:
    await started(rating)
    await rating.apply(terms("acme-1", "acme"))
    again = terms("acme-1", "acme")
    again["lines"][0]["price"]["unit"] = "2"
    answer = await rating.apply(again)
    assert (answer["version"], answer["created"]) == (1, False)


async def test_a_void_takes_its_event_out_before_and_after_it_comes(rating: Deployment) -> None:
    await started(rating)
    await rating.apply(terms("acme-1", "acme"))
    await rating.send(
        void("early"),
        event("late", "acme", utc("2024-01-03T00:00:00")),
        event("kept", "acme", utc("2024-01-03T00:00:00")),
    )
    await rating.settled()
    await rating.send(event("early", "acme", utc("2024-01-03T00:00:00")), void("late"))
    await rating.settled()
    assert (await rating.stored("acme-1", "2024-01-01")).subtotal_minor == 200


async def test_a_final_statement_stays_whatever_comes(rating: Deployment) -> None:
    await started(rating)
    await rating.apply(terms("acme-1", "acme"))
    await rating.send(event("in time", "acme", utc("2024-01-05T10:00:00")))
    await rating.advance(utc("2024-02-04T00:00:00"))
    before = await rating.stored("acme-1", "2024-01-01")
    assert before.final
    await rating.send(event("too late", "acme", utc("2024-01-06T10:00:00")))
    await rating.settled()
    dearer = terms("acme-1", "acme", effective="2024-01-01")
    dearer["lines"][0]["price"]["unit"] = "9.00"
    await rating.client.post("/v1/contracts", json=dearer, params={"corrects_final": True})
    await rating.advance(utc("2024-03-04T00:00:00"))
    assert await rating.stored("acme-1", "2024-01-01") == before, "and a note asks for the difference"
    assert (await rating.stored("acme-1", "2024-02-01")).contract_versions == (2,)
    line = before.lines[0].line_id
    told = await rating.client.get(f"/v1/statements/acme-1/2024-01-01/lines/{line}/explanation")
    assert told.status_code == 200 and told.json()["line"]["amount"] == "2.00"


async def test_a_final_statement_is_explained_by_the_steps_it_travelled_with(
    rating: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    await started(rating)
    await rating.apply(terms("acme-1", "acme"))
    await rating.send(event("in time", "acme", utc("2024-01-05T10:00:00")))
    await rating.settled()
    (line,) = (await rating.statement("acme-1", "2024-01-01"))["lines"]
    path = f"/v1/statements/acme-1/2024-01-01/lines/{line['id']}/explanation"
    draft = (await rating.client.get(path)).json()["steps"]
    await rating.advance(utc("2024-02-04T00:00:00"))

    def priced_otherwise_today(*_: object, **__: object) -> PricedPeriod:
        raise AssertionError("a final statement is never priced to be explained")

    monkeypatch.setattr(explain_line, "price_period", priced_otherwise_today)
    final = await rating.client.get(path)
    assert final.json()["steps"] == draft
    text = await rating.client.get(path, params={"format": "text"})
    assert text.text.endswith("1 at $2.00 = $2.00\n") and "acme-1, 2024-01-01 to 2024-01-31" in text.text
    (told,) = [statement for statement in await rating.said() if statement.final]
    assert told.explanation is not None
    assert [step.op for step in told.explanation[line["id"]]] == [step["op"] for step in draft]
    await as_before_steps_were_kept(rating)
    kept = await rating.client.get(path)
    assert kept.status_code == 200 and kept.json()["steps"] is None
    assert NOT_KEPT in (await rating.client.get(path, params={"format": "text"})).text


async def as_before_steps_were_kept(rating: Deployment) -> None:
    admin = await asyncpg.connect(rating.database.admin_url)
    async with admin.transaction():
        await admin.execute("set local session_replication_role = replica")
        await admin.execute("update rating.statements set explanation = null")
    await admin.close()


ATTACKS = (
    "update rating.statements set subtotal_minor = 0 where final",
    "delete from rating.statements where final",
    "update rating.periods set final = false where final",
    "update rating.contract_versions set terms = '{}'",
    "delete from rating.contract_versions",
    "truncate rating.statements",
)


async def test_history_refuses_to_be_changed(rating: Deployment) -> None:
    await started(rating)
    await rating.apply(terms("acme-1", "acme"))
    await rating.advance(utc("2024-02-04T00:00:00"))
    for attack in ATTACKS:
        with pytest.raises(asyncpg.IntegrityConstraintViolationError, match="history"):
            await rating.context.db.pool.execute(attack)
