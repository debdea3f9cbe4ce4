"""Suspense is accepted as it was seen: what has grown since is refused, and an acceptance falls when it grows."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import httpx2
import pytest

from services.billing.conservation.answers.suspense import SuspenseSummaryAnswer
from services.billing.conservation.api import suspense as doors
from services.billing.conservation.domain.accepted import Acceptance, Suspended, lines_of, suspended
from services.billing.conservation.domain.dispositions import Bucket, Reason
from services.billing.conservation.domain.readings import Counted, ListPrice, Measured, Usage
from services.billing.conservation.domain.reconciled import Row, rows_of, totals_of
from services.billing.conservation.usecases import accept_suspense as verbs
from services.billing.conservation.usecases.reconcile import Reconciled
from shared.values.money import Money, currency
from tests.conftest import TestDatabase
from tests.serving import serving

JANUARY, FEBRUARY = datetime(2025, 1, 1, tzinfo=UTC), datetime(2025, 2, 1, tzinfo=UTC)
CALLS = ListPrice(currency("USD"), Decimal("0.50"))
SEEN = {
    "customer": "EV",
    "type": "call",
    "reason": "no_contract",
    "events": 4,
    "value": {"USD": "2.00"},
    "because": "contract comes in May",
}


def usd(minor: int) -> Money:
    return Money(minor, currency("USD"))


def usage(customer: str | None, subject: str | None, month: datetime, type: str = "call") -> Usage:
    return Usage(customer, subject, type, month)


def waiting_rows() -> list[Row]:
    """EV waits in two months for a contract, FL in one, and EV-x for a customer."""
    counted, measured = [], []
    for of, events in (
        (usage("EV", None, JANUARY), 3),
        (usage("EV", None, FEBRUARY), 1),
        (usage("FL", None, FEBRUARY), 9),
        (usage("EV", None, JANUARY, "other"), 5),
    ):
        counted.append(Counted(of, Bucket.SUSPENSE, Reason.NO_CONTRACT, events))
        measured.append(Measured(of, Bucket.SUSPENSE, "calls", CALLS, events, Decimal(events)))
    counted.append(Counted(usage(None, "EV-x", JANUARY), Bucket.SUSPENSE, Reason.NO_CUSTOMER, 2))
    return rows_of(counted, measured)


def accepted(customer: str, type: str, seen: Suspended, reason: str = "no_contract") -> Acceptance:
    return Acceptance("acc_1", customer, type, reason, seen, "ana", "comes in May", FEBRUARY)


def test_what_waits_for_one_reason_is_added_up_over_the_months() -> None:
    rows = waiting_rows()
    assert suspended(rows, "EV", "call", "no_contract") == Suspended(4, (usd(200),))
    assert suspended(rows, "EV", "call", "no_meter") == Suspended(0, ())
    assert suspended(rows, "EV-x", "call", "no_customer") == Suspended(2, ())


def test_what_nobody_has_accepted_comes_first_and_an_acceptance_falls_when_more_waits() -> None:
    acceptances = [
        accepted("EV", "call", Suspended(4, (usd(200),))),
        accepted("EV", "other", Suspended(4, (usd(250),))),
        accepted("EV-x", "call", Suspended(2, ()), "no_customer"),
    ]
    lines = lines_of(waiting_rows(), acceptances)
    assert [(line.customer or line.subject, line.type, line.acceptance is not None) for line in lines] == [
        ("FL", "call", False),
        ("EV", "other", False),
        ("EV", "call", True),
        ("EV-x", "call", True),
    ]
    of_two_months = lines[2]
    assert (of_two_months.first_month, of_two_months.last_month) == (JANUARY, FEBRUARY)
    assert (of_two_months.waits, of_two_months.owner) == (Suspended(4, (usd(200),)), "account executive")
    assert lines[3].unvalued == 2
    told = SuspenseSummaryAnswer.of(lines, 3).as_json()
    assert (told["suspended"], told["accepted"], told["events"], told["more"]) == (4, 2, 14, True)
    assert told["value"] == [{"currency": "USD", "amount": "7.00"}] and len(told["lines"]) == 3
    assert told["lines"][2]["acceptance"]["because"] == "comes in May"


@pytest.mark.parametrize(
    ("now", "exceeds"),
    [
        (Suspended(4, (usd(200),)), False),
        (Suspended(3, (usd(150),)), False),
        (Suspended(5, (usd(200),)), True),
        (Suspended(4, (usd(201),)), True),
        (Suspended(4, (usd(100), Money(1, currency("JPY")))), True),
    ],
)
def test_it_has_grown_where_events_or_a_currency_have(now: Suspended, exceeds: bool) -> None:
    assert now.exceeds(Suspended(4, (usd(200),))) is exceeds


@pytest.fixture
async def api(database: TestDatabase, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[httpx2.AsyncClient]:
    auditor = database.url("u2c_auditor")
    async with serving("billing", database, monkeypatch, auditor_database_url=auditor) as (_, client):
        yield client


async def test_what_has_grown_since_it_was_seen_is_not_accepted(
    api: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = "/v1/reconciliation/acceptances"
    nothing = await api.post(path, json=SEEN)
    assert (nothing.status_code, nothing.json()["code"]) == (409, "nothing_suspended")

    async def waits(*_: Any) -> Suspended:
        return Suspended(5, (usd(250),))

    monkeypatch.setattr(doors, "suspended_now", waits)
    grown = await api.post(path, json=SEEN)
    assert (grown.status_code, grown.json()["code"]) == (409, "more_suspended")
    assert grown.json()["detail"].startswith("5 events wait, worth 2.50 USD")
    assert (await api.get(path)).json()["data"] == []
    accepted = await api.post(path, json={**SEEN, "events": 5, "value": {"USD": "2.50"}})
    assert accepted.status_code == 200 and accepted.json()["stands"], accepted.text


async def test_what_waits_is_told_with_the_newest_word_on_it(
    api: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def waits(*_: Any) -> Reconciled:
        return Reconciled(waiting_rows(), [], totals_of(waiting_rows(), []))

    monkeypatch.setattr(verbs, "reconciled", waits)
    for events in (4, 5):
        seen = {**SEEN, "events": events, "because": f"{events} seen"}
        assert (await api.post("/v1/reconciliation/acceptances", json=seen)).status_code == 200
    told = (await api.get("/v1/reconciliation/suspense")).json()
    assert (told["suspended"], told["accepted"]) == (4, 1)
    assert [line["acceptance"]["because"] for line in told["lines"] if line["acceptance"]] == ["5 seen"]
    until = (await api.get("/v1/reconciliation/suspense", params={"until": "2025-01"})).json()
    assert {line["customer"] for line in until["lines"]} == {"EV", None}, "FL began later"
    assert (await api.get("/v1/reconciliation/suspense", params={"until": "2025"})).status_code == 422


SPOILED: dict[str, tuple[dict[str, Any], str]] = {
    "nobody's": ({"customer": ""}, "customer"),
    "for no reason": ({"because": ""}, "because"),
    "for a reason nobody has": ({"reason": "late"}, "reason"),
    "of nothing": ({"events": 0}, "events"),
    "of a currency nobody knows": ({"value": {"ZZZ": "1"}}, "unknown_currency"),
    "with more decimals than it has": ({"value": {"JPY": "1.5"}}, "amount_not_of_currency"),
    "worth a word": ({"value": {"USD": "much"}}, "value"),
    "and more": ({"for": "ever"}, "for"),
}


async def test_a_spoiled_acceptance_says_what_is_wrong(api: httpx2.AsyncClient) -> None:
    for name, (changes, said) in SPOILED.items():
        answer = await api.post("/v1/reconciliation/acceptances", json={**SEEN, **changes})
        assert answer.status_code == 422 and said in answer.text, f"{name}: {answer.text}"
