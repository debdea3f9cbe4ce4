"""The business clock's hands, and what travels in pages."""

import asyncio
from decimal import Decimal

from services.rating.statements.domain.message import pages_of
from services.rating.statements.usecases.finish_due_work import finish_due_work
from shared.topics.rating import StatementLine, StatementMessage
from tests.services.rating.deployment import Deployment, event, terms, utc


async def test_the_clock_stops_at_every_due_instant(rating: Deployment) -> None:
    await rating.customer("acme")
    await rating.meter("calls")
    await rating.apply(terms("acme-1", "acme"))
    await rating.apply(terms("acme-1", "acme", effective="2024-01-15T12:00:00Z", skip_zero_invoices=True))
    moved = await rating.advance(utc("2024-03-01T12:00:00"))
    assert moved["due_instants"] == [
        "2024-01-15T12:00:00Z",
        "2024-02-01T00:00:00Z",
        "2024-02-04T00:00:00Z",
        "2024-03-01T00:00:00Z",
    ]
    clock = (await rating.client.get("/v1/clock")).json()
    assert (clock["now"], clock["moved"], [i["service"] for i in clock["instances"]]) == (
        "2024-03-01T12:00:00Z",
        True,
        ["rating"],
    )
    assert all(instance["acknowledged"] for instance in clock["instances"])


async def test_the_clock_runs_forward_only(rating: Deployment) -> None:
    back = await rating.client.post("/v1/clock/advance", json={"to": "2023-12-31T23:59:59Z"})
    assert (back.status_code, back.json()["code"]) == (409, "clock_runs_forward")
    still = await rating.client.post("/v1/clock/advance", json={"to": "2024-01-01T00:00:00Z"})
    assert (still.status_code, still.json()["due_instants"]) == (200, [])
    for wrong in (
        "2024-01-02T00:00:00",
        "2024-13-01T00:00:00Z",
        "9999-01-01T00:00:00Z",
        "0001-01-01T00:00:00+14:00",
        5,
        None,
    ):
        assert (await rating.client.post("/v1/clock/advance", json={"to": wrong})).status_code == 422, wrong


async def test_a_deployment_that_lives_by_the_machine_s_clock_is_moved_only_when_that_is_said(
    rating: Deployment,
) -> None:
    await rating.context.db.pool.execute("update clock.business set moved_to = null, revision = revision + 1")
    for to in ("2023-01-01T00:00:00Z", "2199-01-01T00:00:00Z"):
        refused = await rating.client.post("/v1/clock/advance", json={"to": to})
        assert (refused.status_code, refused.json()["code"]) == (
            409,
            "no_test_clock",
        ) and "--test-clock" in refused.json()["detail"]
        assert (await rating.client.get("/v1/clock")).json()["moved"] is False
    await rating.advance(utc("2023-01-01T00:00:00"), test_clock=True)
    assert (await rating.advance(utc("2023-01-02T00:00:00")))["now"] == "2023-01-02T00:00:00Z"


async def test_moving_the_clock_needs_its_scope(rating: Deployment) -> None:
    await rating.context.db.pool.execute("update rating.access_keys set scopes = '{contracts:read}'")
    await rating.context.keys.refresh()
    refused = await rating.client.post("/v1/clock/advance", json={"to": "2024-01-02T00:00:00Z"})
    assert (refused.status_code, refused.json()["code"]) == (403, "scope_missing")


def test_over_500_lines_a_statement_travels_in_pages() -> None:
    lines = tuple(StatementLine(str(n), f"l{n}", "c", 1, "h", "usage", Decimal(n), n) for n in range(1201))
    whole = StatementMessage(
        statement_id="s",
        revision=7,
        contract="c",
        customer_id="u",
        customer="u",
        legal_entity="d",
        currency="USD",
        timezone="UTC",
        period_start_us=0,
        period_end_us=1,
        period_start_date="1970-01-01",
        period_end_date="1970-01-01",
        lines=lines,
        subtotal_minor=sum(range(1201)),
        watermark={},
        watermark_us=0,
        final=True,
        priced_us=0,
        close_due_us=1,
        net_days=30,
        contract_versions=(1,),
    )
    pages = pages_of(whole)
    assert [(page.page, page.pages, len(page.lines), page.revision) for page in pages] == [
        (1, 3, 500, 7),
        (2, 3, 500, 7),
        (3, 3, 201, 7),
    ]
    assert tuple(line for page in pages for line in page.lines) == lines


async def test_who_waits_for_what_is_due_waits_for_what_another_worker_is_opening(rating: Deployment) -> None:
    await rating.customer("acme")
    await rating.meter("calls")
    await rating.apply(terms("acme-1", "acme"))
    async with rating.context.db.transaction() as other:
        await other.connection.execute(
            "select from rating.contracts where contract = 'acme-1' for no key update"
        )
        await rating.context.db.pool.execute(
            "update clock.business set moved_to = '2024-02-01T00:00:00Z', revision = revision + 1"
        )
        waiting = asyncio.create_task(finish_due_work(rating.context))
        assert not (await asyncio.wait({waiting}, timeout=1))[0], (
            "all is done, with a period of this instant not yet to be seen"
        )
    await waiting
    assert not (await rating.stored("acme-1", "2024-02-01")).final


async def test_what_was_sent_before_the_clock_moved_is_on_the_draft_when_the_move_has_answered(
    rating: Deployment,
) -> None:
    """No instant is due on the way, so nothing but the answer itself waits for metering and pricing."""
    await rating.customer("acme")
    await rating.meter("calls")
    await rating.apply(terms("acme-1", "acme"))
    for day in range(2, 12):
        await rating.send(
            *(event(f"{day}-{n}", "acme", utc(f"2024-01-{day - 1:02}T12:00:00")) for n in range(100))
        )
        moved = await rating.advance(utc(f"2024-01-{day:02}T00:00:00"))
        assert moved["due_instants"] == []
        assert str((await rating.stored("acme-1", "2024-01-01")).lines[0].quantity) == str((day - 1) * 100)
