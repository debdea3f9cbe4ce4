"""The reconciliation as billing serves it: what it counts, where it can be drilled, what it refuses."""

from decimal import Decimal
from typing import Any

from tests.services.billing.conservation.book import DAYS, REFUSED
from tests.services.billing.conservation.conftest import Book
from tests.services.examples import differences


def test_the_whole_book_is_checked_as_it_is_asked_for(book: Book) -> None:
    answer = book.sent.answers["all"]
    assert answer["conservation"]["holds"] and answer["totals"]["counts"]["stored"] == book.sent.events
    assert [statement["k"] for statement in answer["conservation"]["statements"]] == [
        "K1",
        "K2",
        "K3",
        "K4",
        "K5",
    ]
    assert set(answer["conservation"]["watermark"]) <= {str(partition) for partition in range(6)}
    last = {**answer["conservation"], "statements": answer["conservation"]["statements"][4:]}
    assert differences("billing", "reconciliation", {**answer, "conservation": last}) == []
    assert {row["contract"] for row in answer["money"]} == {"acme-2025", "bolt-2025", "lite-2025"}


def test_one_customer_meter_and_month_in_counts_quantities_and_money(book: Book) -> None:
    answer = book.sent.answers["bolt"]
    [row] = answer["rows"]
    assert (row["customer"], row["month"], row["counts"]["stored"]) == ("bolt", "2025-01", DAYS + 1)
    assert row["quantities"]["bytes"]["held_late"] == "500"
    january = answer["money"][0]
    assert january["documents"] and january["settled"] == january["documented"]


def test_totals_alone_and_rows_by_waiting_money_are_those_of_the_whole(book: Book) -> None:
    whole, totals, rows = (book.sent.answers[name] for name in ("all", "totals", "rows"))
    assert totals == whole["totals"]

    def name(row: Any) -> tuple[str, ...]:
        return row["customer"] or "", row["subject"] or "", row["type"], row["month"]

    def waits(row: Any) -> Decimal:
        return sum((Decimal(value["amount"]) for one in row["waiting"] for value in one["value"]), Decimal(0))

    assert rows["data"] == sorted(whole["rows"], key=lambda row: (-waits(row), name(row)))
    assert waits(rows["data"][0]) > 0 and not rows["has_more"]
    first = book.sent.answers["first_row"]
    assert first["data"] == rows["data"][:1] and first["has_more"]


def test_suspense_that_was_accepted_says_what_it_was_then_and_is_now(book: Book) -> None:
    [accepted] = book.sent.answers["acceptances"]["data"]
    assert (accepted["customer"], accepted["because"], accepted["stands"]) == (
        "nobody",
        "a test account",
        True,
    )
    [row] = [row for row in book.sent.answers["all"]["rows"] if row["subject"] == "nobody"]
    assert accepted["seen"] == {
        "events": DAYS + 1,
        "value": [{"currency": "USD", "amount": "1000.00"}],
    }
    assert accepted["now"] == {"events": row["counts"]["suspense"], "value": row["waiting"][0]["value"]}


def test_suspense_is_told_by_whose_it_is_with_the_word_on_it(book: Book) -> None:
    told = book.sent.answers["suspended"]
    [line] = [line for line in told["lines"] if line["subject"] == "nobody"]
    [row] = [row for row in book.sent.answers["all"]["rows"] if row["subject"] == "nobody"]
    assert (line["events"], line["value"]) == (row["counts"]["suspense"], row["waiting"][0]["value"])
    assert (line["first_month"], line["acceptance"]["because"]) == (row["month"], "a test account")
    waits = {row["subject"] or row["customer"] for row in book.sent.answers["all"]["rows"] if _suspended(row)}
    assert {line["subject"] or line["customer"] for line in told["lines"]} == waits
    assert told["suspended"] == len(told["lines"]) and told["accepted"] == 1
    assert book.sent.answers["suspended_before"]["lines"] == []


def _suspended(row: Any) -> bool:
    return bool(row["counts"]["suspense"])


def test_a_bucket_is_drilled_to_event_ids(book: Book) -> None:
    page = book.sent.answers["suspense"]
    assert [row["id"] for row in page["data"]] == [f"nobody-{day}" for day in range(7)]
    assert page["has_more"] and page["next_cursor"]
    assert {(row["reason"], row["owner"]) for row in page["data"]} == {
        ("no_customer", "integration engineer")
    }


def test_late_usage_is_listed_by_contract(book: Book) -> None:
    [late] = book.sent.answers["held_late"]["data"]
    assert (late["id"], late["kind"], late["value"]) == (
        "late-2",
        "event",
        {"currency": "USD", "amount": "0.50"},
    )


def test_the_door_adds_up_by_key_source_and_hour(book: Book) -> None:
    for row in book.sent.answers["door"]["data"]:
        assert row["received"] == row["published"] + row["quarantined"] + row["refused"]


def test_what_cannot_be_asked_is_refused(book: Book) -> None:
    assert dict(zip(REFUSED_NAMES, book.sent.refused, strict=True)) == dict.fromkeys(REFUSED_NAMES, 422)


REFUSED_NAMES = [f"{path} {query}" for path, query in REFUSED]
