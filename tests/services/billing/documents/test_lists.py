"""Lists of documents: in any order, by any filter, page by page, without one twice or left out; counted and summed as
another way of adding up says."""

import random
from collections import Counter
from collections.abc import AsyncIterator, Callable
from fractions import Fraction
from typing import Any

import httpx2
import pytest

from services.billing.finalization.usecases.finalize import finalize_due
from shared.db.filters import COUNTED_MAX
from shared.db.unit_of_work import Database
from tests.conftest import TestDatabase, stand_clock
from tests.services.billing.conftest import Hear
from tests.services.billing.gates import OpenGate
from tests.services.billing.statements import NOW, ZONE, customer_of, statement_of
from tests.serving import serving

Json = dict[str, Any]
CUSTOMERS = {
    "UA": "United Air Lines",
    "straße-7": "Straße und Söhne",
    "acme": "ÄPFEL & Co",
    "b_c": "100 % Bio",
    "JP": "株式会社",
}


@pytest.fixture
async def api(database: TestDatabase, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[httpx2.AsyncClient]:
    await stand_clock(database.admin_url, NOW)
    auditor = database.url("u2c_auditor")
    async with serving("billing", database, monkeypatch, auditor_database_url=auditor) as (_, client):
        yield client


@pytest.fixture
async def filed(db: Database, hear: Hear, hear_customers: Hear) -> list[str]:
    """Two months of five customers in two currencies, the first final and the second open; ids by number of line."""
    chance = random.Random(7)
    await hear_customers(*(customer_of(id, name) for id, name in CUSTOMERS.items()))
    for month, final in ((1, True), (2, False)):
        await hear(
            *(
                statement_of(
                    f"{id.replace('ß', 'ss')}-{currency}",
                    id,
                    month=month,
                    final=final,
                    amounts=(chance.randrange(-5, 40) * 100,),
                    currency=currency,
                    net_days=chance.randrange(60),
                )
                for id in CUSTOMERS
                for currency in ("USD", "JPY")
            )
        )
        await finalize_due(db, OpenGate(), NOW.replace(day=3 + month), ZONE)
    return [row["document_id"] for row in await db.pool.fetch("select document_id from billing.documents")]


async def listed(api: httpx2.AsyncClient, limit: int = 3, **asked: Any) -> list[Json]:
    """All pages."""
    found: list[Json] = []
    cursor: dict[str, str] = {}
    while True:
        answer = await api.get("/v1/invoices", params={**asked, "limit": limit, **cursor})
        assert answer.status_code == 200, answer.text
        page = answer.json()
        found += page["data"]
        if not page["has_more"]:
            assert page["next_cursor"] is None
            return found
        cursor = {"cursor": page["next_cursor"]}


def _change(document: Json) -> Fraction:
    if document["change"] is None:
        return Fraction(0)
    before, now = (Fraction(document["change"]["previous"]), Fraction(document["total"]))
    return Fraction((now > before) - (now < before)) * 10**20 if before == 0 else (now - before) / abs(before)


RANKS: dict[str, Callable[[Json], Any]] = {
    "created": lambda document: document["id"],
    "customer": lambda document: document["customer"],
    "issued": lambda document: document["issued_on"] or "9999",
    "due": lambda document: document["due_on"] or "9999",
    "change": _change,
    "amount": lambda document: Fraction(document["total"]),
}


async def test_every_order_lists_everybody_once(api: httpx2.AsyncClient, filed: list[str]) -> None:
    for key, rank in RANKS.items():
        narrow: Any = {"currency": "USD"} if key == "amount" else {}
        all_of_them = await listed(api, 200, **narrow)
        assert len(all_of_them) == (len(filed) // 2 if narrow else len(filed)) > 9
        ranked = sorted((rank(one), one["id"]) for one in all_of_them)
        expected = [id for _, id in ranked]
        assert [one["id"] for one in await listed(api, sort=key, **narrow)] == expected, key
        assert [one["id"] for one in await listed(api, sort=f"-{key}", **narrow)] == expected[::-1], key


FILTERS: dict[str, tuple[Any, Callable[[Json], bool]]] = {
    "status": ({"status": "draft"}, lambda one: one["status"] == "draft"),
    "state": ({"state": "open"}, lambda one: one["state"] == "open"),
    "finalized": ({"state": "finalized"}, lambda one: one["state"] == "finalized"),
    "both": ({"state": "open", "status": "finalized"}, lambda one: False),
    "nothing held": ({"state": "held"}, lambda one: one["state"] == "held"),
    "issued": (
        {"issued_from": "2013-02-04", "issued_to": "2013-02-04"},
        lambda one: one["issued_on"] == "2013-02-04",
    ),
    "issued later": ({"issued_from": "2013-02-05"}, lambda one: (one["issued_on"] or "") >= "2013-02-05"),
    "ending": (
        {"ends_from": "2013-01-31", "ends_to": "2013-02-15"},
        lambda one: one["period"]["end"] == "2013-01-31",
    ),
    "ending later": ({"ends_from": "2013-02-01"}, lambda one: one["period"]["end"] >= "2013-02-01"),
    "due": (
        {"due_from": "2013-02-20", "due_to": "2013-03-10"},
        lambda one: "2013-02-20" <= (one["due_on"] or "") <= "2013-03-10",
    ),
    "amount": (
        {"currency": "USD", "amount_from": "0.01", "amount_to": "20"},
        lambda one: one["currency"] == "USD" and 0 < Fraction(one["total"]) <= 20,
    ),
    "amount of another": (
        {"currency": "JPY", "amount_from": "-500", "amount_to": "1500"},
        lambda one: one["currency"] == "JPY" and -500 <= Fraction(one["total"]) <= 1500,
    ),
    "a number": ({"q": "default-2013"}, lambda one: (one["number"] or "").startswith("DEFAULT-2013")),
    "a contract": ({"q": "STRASSE-7-us"}, lambda one: one["contract"] == "strasse-7-USD"),
    "a name": ({"q": "straße UND"}, lambda one: one["customer"] == "straße-7"),
    "a name in another case": ({"q": "äpf"}, lambda one: one["customer"] == "acme"),
    "an id": ({"q": "STRAßE-"}, lambda one: one["customer"] == "straße-7"),
    "no pattern": ({"q": "100 %"}, lambda one: one["customer"] == "b_c"),
    "not a letter for any": ({"q": "b_c"}, lambda one: one["customer"] == "b_c"),
    "of another script": ({"q": "株"}, lambda one: one["customer"] == "JP"),
    "nobody": ({"q": "nobody"}, lambda one: False),
}


async def test_every_filter_lists_counts_and_sums_what_fits(
    api: httpx2.AsyncClient, filed: list[str]
) -> None:
    everything = await listed(api, 200)
    for name, (asked, fits) in FILTERS.items():
        expected = [one for one in everything if fits(one)]
        found = [one["id"] for one in await listed(api, **asked)]
        assert found == [one["id"] for one in expected], name
        answer = await api.get("/v1/invoices", params={**asked, "count": True, "limit": 1})
        assert answer.json()["count"] == {"rows": len(expected), "more": False}, name
        sums_to(expected, await api.get("/v1/invoices/totals", params=asked))


def sums_to(expected: list[Json], answer: httpx2.Response) -> None:
    """Added up as fractions, these are the totals."""
    sums: dict[tuple[str, str], Fraction] = {}
    documents = Counter((one["state"], one["currency"]) for one in expected)
    for one in expected:
        place = (one["state"], one["currency"])
        sums[place] = sums.get(place, Fraction(0)) + Fraction(one["total"])
    totals = answer.json()
    assert totals["documents"] == len(expected)
    found = {(one["state"], one["currency"]): one for one in totals["totals"]}
    assert {place: one["documents"] for place, one in found.items()} == documents
    assert {place: Fraction(one["total"]) for place, one in found.items()} == sums


async def test_a_cursor_is_of_one_question(api: httpx2.AsyncClient, filed: list[str]) -> None:
    asked = {"sort": "issued", "limit": "2"}
    cursor = (await api.get("/v1/invoices", params=asked)).json()["next_cursor"]
    assert (await api.get("/v1/invoices", params={**asked, "cursor": cursor})).status_code == 200
    for other in (
        {"sort": "-issued"},
        {"sort": "due"},
        {"sort": "customer"},
        {"customer": "UA"},
        {"q": "u"},
        {"state": "open"},
    ):
        answer = await api.get("/v1/invoices", params={**asked, **other, "cursor": cursor})
        assert answer.json().get("code") == "cursor_invalid", other


REFUSED: dict[str, tuple[dict[str, str], str]] = {
    "a sort nobody declared": ({"sort": "total"}, "errors"),
    "amounts of all currencies in an order": ({"sort": "amount"}, "currency_missing"),
    "an amount of no currency": ({"amount_from": "1"}, "currency_missing"),
    "more decimals than it has": ({"amount_to": "1.5", "currency": "JPY"}, "amount_not_of_currency"),
    "an amount of a currency nobody knows": ({"amount_to": "1", "currency": "ZZZ"}, "unknown_currency"),
    "an amount in words": ({"amount_to": "1e3", "currency": "USD"}, "errors"),
    "a state nobody has": ({"state": "paid"}, "errors"),
    "a day that is none": ({"due_to": "2013-02-30"}, "errors"),
    "a count that is none": ({"count": "many"}, "errors"),
    "nothing to begin with": ({"q": ""}, "errors"),
}


async def test_a_question_nobody_can_answer_says_why(api: httpx2.AsyncClient) -> None:
    for name, (asked, code) in REFUSED.items():
        answer = await api.get("/v1/invoices", params=asked)
        assert answer.status_code == 422, f"{name}: {answer.text}"
        assert code in answer.text, f"{name}: {answer.text}"


async def test_more_than_are_counted_are_many(
    api: httpx2.AsyncClient, db: Database, filed: list[str]
) -> None:
    await db.pool.execute(COPIES, COUNTED_MAX)
    answer = await api.get("/v1/invoices", params={"count": True, "limit": 1})
    assert answer.json()["count"] == {"rows": 10_000, "more": True}
    assert "count" not in (await api.get("/v1/invoices", params={"limit": 1})).json()


COPIES = """insert into billing.documents (document_id, kind, contract, customer_id, customer, legal_entity, currency, timezone,
        period_start, period_end, start_date, end_date, occasion, net_days, subtotal_minor, total_minor)
    select 'inv_' || n, kind, contract || n, customer_id, customer, legal_entity, currency, timezone,
        period_start, period_end, start_date, end_date, occasion, net_days, subtotal_minor, total_minor
    from (select * from billing.documents limit 1) one, generate_series(1, $1::int) n"""
