"""Usage that nobody pays for yet: sorted by what it is worth, narrowed, counted and summed as it is listed."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from services.rating.disposition.usecases import list_suspense
from tests.services.rating.deployment import Deployment, event, terms, utc

NOON = utc("2024-01-10T12:00:00")


async def _read(rating: Deployment, path: str = "", status: int = 200, **query: Any) -> Any:
    answer = await rating.client.get(f"/v1/suspense{path}", params=query)
    assert answer.status_code == status, answer.text
    return answer.json()


async def _all(rating: Deployment, **query: Any) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    cursor: dict[str, Any] = {}
    while True:
        page = await _read(rating, limit=2, **query, **cursor)
        rows += page["data"]
        if not page["has_more"]:
            return rows
        cursor = {"cursor": page["next_cursor"]}


async def _book(rating: Deployment) -> None:
    """Two currencies, what nobody can value, and rows of one worth."""
    await rating.customer("acme")
    await rating.meter("calls", list_price={"currency": "USD", "unit": "0.125"})
    await rating.meter("yen", event_type="yen", list_price={"currency": "JPY", "unit": "70"})
    await rating.meter("free", event_type="free")
    sent = [
        *[("Zed", "call", NOON)] * 9,
        *[("zeb", "call", NOON)] * 3,
        *[("amber", "call", NOON)] * 3,
        ("acme", "call", NOON),
        ("acme", "call", utc("2024-02-10T12:00:00")),
        ("zeb", "yen", NOON),
        ("acme", "yen", NOON),
        ("acme", "free", NOON),
        ("acme", "unheard", NOON),
    ]
    await rating.send(
        *[event(f"e{n}", subject, time, type=type) for n, (subject, type, time) in enumerate(sent)]
    )
    await rating.settled()
    await rating.advance(utc("2024-03-01T00:00:00"))


def _worth(row: dict[str, Any]) -> tuple[Any, ...]:
    """The order by worth, written anew: by currency, the highest first, by name; what has no value is last."""
    name = (row["customer"] or row["subject"], row["type"], row["month"], row["reason"])
    value = row["value"]
    return (
        (1, "", Decimal(0), *name)
        if value is None
        else (0, value["currency"], -Decimal(value["amount"]), *name)
    )


async def test_it_is_sorted_by_worth_in_pages_of_any_size(rating: Deployment) -> None:
    await _book(rating)
    rows = await _all(rating)
    assert len(rows) == 9
    by_worth = await _all(rating, sort="-value")
    assert by_worth == sorted(rows, key=_worth)
    assert [row["subject"] for row in by_worth if row["value"] and row["value"]["currency"] == "USD"][:3] == [
        "Zed",
        "amber",
        "zeb",
    ]
    first = await _read(rating, limit=1, sort="-value")
    assert (await _read(rating, "", 422, cursor=first["next_cursor"]))["code"] == "cursor_invalid"


async def test_totals_are_the_sums_of_the_rows(rating: Deployment) -> None:
    await _book(rating)
    asked: tuple[dict[str, Any], ...] = (
        {},
        {"reason": "no_contract"},
        {"type": "call"},
        {"q": "ZE"},
        {"to": "2024-02-01"},
    )
    for query in asked:
        expected: dict[tuple[str, str], tuple[set[str], int, Decimal]] = {}
        for row in await _all(rating, **query):
            value = row["value"] or {"currency": "", "amount": "0"}
            place = (row["reason"], value["currency"])
            owners, events, amount = expected.get(place, (set(), 0, Decimal(0)))
            expected[place] = (
                owners | {row["customer"] or row["subject"]},
                events + row["events"],
                amount + Decimal(value["amount"]),
            )
        totals = (await _read(rating, "/totals", **query))["totals"]
        assert {
            (one["reason"], one["value"]["currency"] if one["value"] else ""): (
                one["owners"],
                one["events"],
                Decimal(one["value"]["amount"] if one["value"] else 0),
            )
            for one in totals
        } == {place: (len(owners), events, amount) for place, (owners, events, amount) in expected.items()}
        assert len(totals) == len(expected)


async def test_it_is_narrowed_and_counted(rating: Deployment) -> None:
    await _book(rating)
    rows = await _all(rating)
    asked: tuple[tuple[dict[str, Any], Callable[[dict[str, Any]], bool]], ...] = (
        ({"reason": "no_customer"}, lambda row: row["subject"] is not None),
        ({"type": "yen"}, lambda row: row["type"] == "yen"),
        ({"q": "ZE"}, lambda row: (row["subject"] or "").lower().startswith("ze")),
        ({"q": "acm", "reason": "no_meter"}, lambda row: row["type"] == "unheard"),
        ({"customer": "acme", "type": "none"}, lambda row: False),
    )
    for query, fits in asked:
        wanted = [row for row in rows if fits(row)]
        assert await _all(rating, **query) == wanted, query
        counted = await _read(rating, count=True, limit=1, **query)
        assert counted["count"] == {"rows": len(wanted), "more": False}


async def test_it_is_narrowed_to_owners_and_values_what_it_counts(rating: Deployment) -> None:
    """A name is that of the owner, whatever its aliases are called; of a customer's subject that subject's usage is valued."""
    await rating.customer("acme")
    await rating.meter("calls", list_price={"currency": "USD", "unit": "0.50"})
    sent = [*["zebra"] * 2, *["acme"] * 4, "zeb", "acme-labs"]
    await rating.send(*[event(f"e{n}", subject, NOON) for n, subject in enumerate(sent)])
    await rating.alias("acme", "zebra")
    await rating.settled()
    await rating.advance(utc("2024-03-01T00:00:00"))

    def said(rows: list[dict[str, Any]]) -> list[tuple[str, int, str, str]]:
        return [
            (row["customer"] or row["subject"], row["events"], row["quantity"], row["value"]["amount"])
            for row in rows
        ]

    expected: tuple[tuple[dict[str, Any], list[tuple[str, int, str, str]]], ...] = (
        ({"q": "ze"}, [("zeb", 1, "1", "0.50")]),
        ({"q": "acm"}, [("acme", 6, "6", "3.00"), ("acme-labs", 1, "1", "0.50")]),
        ({"subject": "zebra"}, [("acme", 2, "2", "1.00")]),
        ({"subject": "acme"}, [("acme", 4, "4", "2.00")]),
        ({"subject": "zeb"}, [("zeb", 1, "1", "0.50")]),
        ({"customer": "acme"}, [("acme", 6, "6", "3.00")]),
    )
    for query, rows in expected:
        assert said(await _all(rating, **query)) == rows, query
        totals = (await _read(rating, "/totals", **query))["totals"]
        assert sum(one["events"] for one in totals) == sum(row[1] for row in rows), query
        assert sum(Decimal(one["value"]["amount"]) for one in totals) == sum(
            Decimal(row[3]) for row in rows
        ), query


async def test_what_is_too_much_to_be_valued_at_once_is_refused_by_name(
    rating: Deployment, monkeypatch: Any
) -> None:
    await _book(rating)
    monkeypatch.setattr(list_suspense, "VALUED_MAX", 8)
    valued: tuple[tuple[str, dict[str, Any]], ...] = (("", {"sort": "-value"}), ("/totals", {}))
    for path, query in valued:
        refused = await _read(rating, path, 422, **query)
        assert refused["code"] == "suspense_too_large" and "narrow" in refused["detail"]
        assert (await _read(rating, path, type="call", **query))["object"]
    assert len(await _all(rating)) == 9
    refused_too: tuple[dict[str, Any], ...] = (
        {"sort": "value"},
        {"reason": "lost"},
        {"from": "2024-02-01", "to": "2024-01-01"},
    )
    for query in refused_too:
        await _read(rating, "", 422, **query)


async def test_of_all_owners_it_is_what_it_is_of_each(rating: Deployment) -> None:
    """All events of one owner are looked at; of all owners only those that may wait: the same rows, whichever way."""
    await rating.meter("calls", list_price={"currency": "USD", "unit": "0.125"})
    await rating.meter("eu", event_type="far", filters={"region": ["eu"]})
    term = {"start": "2024-02-01", "months": 1}
    for name in ("never", "always", "late", "twice", "left"):
        await rating.customer(name)
    await rating.alias("always", "often")
    await rating.apply(terms("always-1", "always"))
    await rating.apply(terms("late-1", "late", term=term))
    await rating.apply(terms("twice-1", "twice", term={**term, "start": "2024-01-01"}))
    await rating.apply(terms("twice-2", "twice", term={**term, "start": "2024-03-01"}))
    sent = [
        (subject, type_, time, region)
        for subject in ("never", "always", "often", "late", "twice", "nobody", "a", "zed")
        for type_, region in (("call", "eu"), ("far", "eu"), ("far", "us"), ("unheard", "eu"))
        for time in (NOON, utc("2024-02-01T00:00:00"), utc("2024-03-01T00:00:00"))
    ]
    await rating.advance(utc("2024-03-02T00:00:00"))
    await rating.send(
        *[
            event(f"e{n}", subject, time, {"region": region}, type_)
            for n, (subject, type_, time, region) in enumerate(sent)
        ]
    )
    await rating.settled()
    for query in ({}, {"type": "far"}, {"from": "2024-02-01", "to": "2024-03-01"}, {"reason": "no_contract"}):
        rows = await _all(rating, **query)
        owners = {(row["customer"], row["subject"]) for row in rows}
        known = [(name, None) for name in ("never", "always", "late", "twice", "left")]
        unknown = [(None, name) for name in ("nobody", "a", "zed")]
        assert owners <= {*known, *unknown}
        each: list[dict[str, Any]] = []
        for customer, subject in sorted([*known, *unknown], key=lambda one: one[0] or one[1] or ""):
            one = {"customer": customer} if customer else {"subject": subject}
            each += await _all(rating, **one, **query)
        assert rows == each, query
    gone = [row for row in await _all(rating) if row["customer"] == "always"]
    assert {(row["type"], row["reason"]) for row in gone} == {("far", "no_meter"), ("unheard", "no_meter")}
    gap = [row["month"] for row in await _all(rating, reason="no_contract") if row["customer"] == "twice"]
    assert set(gap) == {"2024-02"}
