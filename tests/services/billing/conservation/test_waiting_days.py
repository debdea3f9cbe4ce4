"""What waits is kept a day at a time: the last check of a day says it, and two days are compared pile by pile, a currency with
a currency alone."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx2
import pytest

from services.billing.conservation.domain.dispositions import Bucket, Late, Place, Reason, Unbilled
from services.billing.conservation.domain.readings import Counted, ListPrice, Measured, Settled, Usage
from services.billing.conservation.domain.reconciled import rows_of, totals_of
from services.billing.conservation.domain.waiting import Waiting
from services.billing.conservation.domain.waterfall import Step, Waterfall, waterfalls
from services.billing.conservation.usecases.keep_waiting import keep_waiting
from shared.db.unit_of_work import Database
from shared.values.money import Money, currency
from tests.conftest import TestDatabase, stand_clock
from tests.services.billing.statements import NOW
from tests.serving import serving

FIRST, SECOND = date(2013, 1, 28), date(2013, 2, 4)


def usd(minor: int) -> Money:
    return Money(minor, currency("USD"))


def jpy(minor: int) -> Money:
    return Money(minor, currency("JPY"))


def suspense(events: int, *value: Money, unvalued: int = 0) -> Waiting:
    return Waiting(Place.SUSPENSE, Reason.NO_CONTRACT, events, value, unvalued, date(2012, 11, 1))


LATE = Waiting(Place.HELD_LATE, Late.AFTER_THE_CUT, 1, (usd(3),), 0, date(2012, 12, 1))
OPEN = Waiting(Place.UNBILLED, Unbilled.PERIOD_OPEN, 0, (usd(900), jpy(-20)), 0, date(2013, 1, 15))
FAILED = Waiting(Place.HELD, Reason.PRICING_FAILED, 2, (usd(40),), 1, date(2013, 1, 1))


@pytest.fixture
async def api(database: TestDatabase, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[httpx2.AsyncClient]:
    await stand_clock(database.admin_url, NOW)
    auditor = database.url("u2c_auditor")
    async with serving("billing", database, monkeypatch, auditor_database_url=auditor) as (_, client):
        yield client


async def keep(db: Database, day: date, *waiting: Waiting, waterfalls: Sequence[Waterfall] = ()) -> None:
    async with db.transaction() as uow:
        await keep_waiting(uow, day, waiting, waterfalls, NOW)


async def test_a_day_is_kept_as_its_last_check_found_it(api: httpx2.AsyncClient, db: Database) -> None:
    await keep(db, FIRST, suspense(9, usd(1)))
    await keep(db, FIRST, suspense(4, usd(150), jpy(7), unvalued=1), OPEN)
    shown = (await api.get(f"/v1/reconciliation/waiting/{FIRST}")).json()
    assert shown["day"] == "2013-01-28"
    assert shown["waiting"] == [
        {
            "place": "suspense",
            "reason": "no_contract",
            "owner": "account executive",
            "oldest": "2012-11-01",
            "events": 4,
            "unvalued": 1,
            "value": [{"currency": "JPY", "amount": "7"}, {"currency": "USD", "amount": "1.50"}],
        },
        {
            "place": "unbilled",
            "reason": "period_open",
            "owner": "rating",
            "oldest": "2013-01-15",
            "events": 0,
            "unvalued": 0,
            "value": [{"currency": "JPY", "amount": "-20"}, {"currency": "USD", "amount": "9.00"}],
        },
    ]


async def test_two_days_are_compared_and_what_waits_alike_is_left_out(
    api: httpx2.AsyncClient, db: Database
) -> None:
    await keep(db, FIRST, suspense(4, usd(150), jpy(7)), LATE)
    await keep(db, SECOND, suspense(6, usd(100), jpy(7), unvalued=1), LATE, OPEN)
    path = f"/v1/reconciliation/waiting/{SECOND}/changes"
    shown = (await api.get(path, params={"since": str(FIRST)})).json()
    assert [(one["place"], one["more"]) for one in shown["changes"]] == [
        ("suspense", {"events": 2, "unvalued": 1, "value": [{"currency": "USD", "amount": "-0.50"}]}),
        (
            "unbilled",
            {
                "events": 0,
                "unvalued": 0,
                "value": [{"currency": "JPY", "amount": "-20"}, {"currency": "USD", "amount": "9.00"}],
            },
        ),
    ]
    back = (
        await api.get(f"/v1/reconciliation/waiting/{FIRST}/changes", params={"since": str(SECOND)})
    ).json()
    assert [negated(one["more"]) for one in back["changes"]] == [one["more"] for one in shown["changes"]]


def negated(more: dict[str, Any]) -> dict[str, Any]:
    value = [
        {**one, "amount": one["amount"][1:] if one["amount"][0] == "-" else f"-{one['amount']}"}
        for one in more["value"]
    ]
    return {"events": -more["events"], "unvalued": -more["unvalued"], "value": value}


async def test_a_check_keeps_its_day_also_where_nothing_waits(api: httpx2.AsyncClient) -> None:
    missing = await api.get(f"/v1/reconciliation/waiting/{SECOND}")
    assert (missing.status_code, missing.json()["code"]) == (404, "waiting_day_not_found")
    await api.get("/v1/reconciliation")
    shown = (await api.get(f"/v1/reconciliation/waiting/{SECOND}")).json()
    assert shown["waiting"] == []
    day_after = SECOND + timedelta(days=1)
    missing = await api.get(f"/v1/reconciliation/waiting/{day_after}")
    assert missing.json()["detail"] == f"no check fell on {day_after}; kept around it: {SECOND}"
    for wrong in ("2013-02-30", "today"):
        assert (await api.get(f"/v1/reconciliation/waiting/{wrong}")).status_code == 422


async def test_what_waits_is_said_with_whose_it_is_and_beside_an_earlier_day(
    api: httpx2.AsyncClient, db: Database
) -> None:
    nothing = (await api.get("/v1/reconciliation/waiting")).json()
    assert (nothing["day"], nothing["since"], nothing["waiting"], nothing["waterfalls"]) == (
        None,
        None,
        [],
        [],
    )
    assert nothing["total"] == {"events": 0, "unvalued": 0, "value": []}
    await keep(db, FIRST, suspense(4, usd(150)), LATE)
    alone = (await api.get("/v1/reconciliation/waiting")).json()
    assert (alone["day"], alone["since"], alone["changes"]) == (str(FIRST), None, [])
    between = FIRST + timedelta(days=3)
    await keep(db, between, LATE)
    await keep(db, SECOND, suspense(6, usd(100)), LATE, FAILED, OPEN, waterfalls=waterfalls(TOTALS))
    shown = (await api.get("/v1/reconciliation/waiting")).json()
    assert (shown["day"], shown["since"]) == (str(SECOND), str(FIRST)), "seven days before"
    assert shown["total"] == {
        "events": 9,
        "unvalued": 1,
        "value": [{"currency": "JPY", "amount": "-20"}, {"currency": "USD", "amount": "10.43"}],
    }
    assert [(one["owner"], one["events"], one["oldest"]) for one in shown["owners"]] == [
        ("account executive", 6, "2012-11-01"),
        ("finance", 3, "2012-12-01"),
        ("rating", 0, "2013-01-15"),
    ]
    assert shown["owners"][1]["value"] == [{"currency": "USD", "amount": "0.43"}]
    assert [one["reason"] for one in shown["changes"]] == ["pricing_failed", "no_contract", "period_open"]
    for asked, since in ((between, between), (SECOND, between), (FIRST - timedelta(days=99), FIRST)):
        other = (await api.get("/v1/reconciliation/waiting", params={"since": str(asked)})).json()
        assert other["since"] == str(since) and other["waiting"] == shown["waiting"]
    assert (await api.get("/v1/reconciliation/waiting", params={"since": "soon"})).status_code == 422


async def test_from_what_is_stored_to_what_is_invoiced_nothing_is_lost(
    api: httpx2.AsyncClient, db: Database
) -> None:
    """A currency with itself alone."""
    await keep(db, SECOND, waterfalls=waterfalls(TOTALS))
    jpy_, usd_ = (await api.get("/v1/reconciliation/waiting")).json()["waterfalls"]
    assert (jpy_["currency"], usd_["currency"]) == ("JPY", "USD")
    assert [(one["step"], one["amount"], one["is_total"]) for one in usd_["steps"]] == [
        ("stored", "23.50", True),
        ("voided", "-1.00", False),
        ("suspense", "-2.50", False),
        ("held_late", "-3.00", False),
        ("held", "-4.00", False),
        ("waived", "-6.00", False),
        ("unbilled", "3.00", False),
        ("invoiced", "10.00", True),
    ]
    assert [one["amount"] for one in jpy_["steps"]] == ["700", "0", "0", "0", "0", "0", "-700", "0"]
    for found in waterfalls(TOTALS):
        parts = [amount.minor for step, amount in found.steps.items() if not step.is_total]
        assert found.steps[Step.STORED].minor + sum(parts) == found.steps[Step.INVOICED].minor


def _measured(bucket: Bucket, events: int) -> tuple[Counted, Measured]:
    reason = Reason.NO_CONTRACT if bucket is Bucket.SUSPENSE else None
    usage = Usage("acme", None, "call", datetime(2013, 1, 1, tzinfo=UTC))
    price = ListPrice(currency("USD"), Decimal("0.50"))
    return Counted(usage, bucket, reason, events), Measured(
        usage, bucket, "calls", price, events, Decimal(events)
    )


def _settled(settled: Money, documented: Money, waived: Money) -> Settled:
    return Settled("acme", "acme-1", FIRST, SECOND, True, 1, settled, documented, waived, ())


#: Two voided, five in suspense, six late, eight held, eight late and waived, of 0.50 each; and settled money.
_USAGE = [
    _measured(bucket, events)
    for bucket, events in {
        Bucket.VOIDED: 2,
        Bucket.SUSPENSE: 5,
        Bucket.HELD_LATE: 6,
        Bucket.HELD: 8,
        Bucket.WAIVED_LATE: 8,
        Bucket.APPLIED: 100,
    }.items()
]
TOTALS = totals_of(
    rows_of([counted for counted, _ in _USAGE], [measured for _, measured in _USAGE]),
    [_settled(usd(900), usd(1000), usd(200)), _settled(jpy(700), jpy(0), jpy(0))],
)
