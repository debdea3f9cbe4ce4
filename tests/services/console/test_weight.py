"""A page of 200 rows is small: each list, with names and amounts that have little in common."""

import gzip
import hashlib
from collections.abc import Callable
from typing import Any

import pytest

from services.console.customers import page as customers
from services.console.domain.times import Zones
from services.console.frame.page import page_of
from services.console.late.page import late_page
from services.console.quarantine import page as quarantine
from services.console.reconciliation.page import checks_page
from services.console.suspense.page.waiting import suspense_page
from tests.services.console.frame.pages import frame

ROWS, PAGE_MAX_BYTES = 200, 40_000
AT = "2014-01-06T14:00:{:02d}.123456Z"


def name(number: int, letters: int = 12) -> str:
    return hashlib.sha256(str(number).encode()).hexdigest()[:letters]


def rows(row: Callable[[int], dict[str, Any]]) -> dict[str, Any]:
    """A page of a list of an API."""
    return {"data": [row(number) for number in range(ROWS)], "has_more": True, "next_cursor": name(0, 60)}


def suspended(number: int) -> dict[str, Any]:
    return {
        "customer": None,
        "subject": name(number),
        "type": "flight.departure",
        "month": f"2013-{number % 12 + 1:02d}",
        "reason": "no_customer",
        "events": number * 7919,
        "value": {"currency": "USD", "amount": f"{number * 104_729}.{number % 100:02d}"},
    }


def held(number: int) -> dict[str, Any]:
    return {
        "contract": name(number),
        "period": {"start": "2013-06-01", "end": "2013-07-01"},
        "events": number * 7919,
        "amount": f"{number * 104_729}.{number % 100:02d}",
        "currency": "USD",
        "fault": None,
        "accepted_until": AT.format(number % 60),
    }


def standing(number: int) -> dict[str, Any]:
    reason = {"says": "whole local days without an event", "number": str(number), "threshold": "14"}
    return {
        "customer": name(number),
        "name": f"{name(number + ROWS)} Incorporated",
        "risk_score": number % 101,
        "at_risk": number % 2 == 0,
        "reasons": [reason, {**reason, "says": "use fell since the term began"}],
        "silent_since": None,
        "trend": "steady",
        "trend_within_chance": number % 3 == 0,
        "last_seen_on": f"2014-01-{number % 28 + 1:02d}",
        "renews_on": f"2014-02-{number % 28 + 1:02d}",
        "at_stake": [{"currency": "USD", "amount": f"{number * 104_729}.{number % 100:02d}"}],
    }


def quarantined(number: int) -> dict[str, Any]:
    return {
        "quarantine_id": f"qua_{name(number, 22)}",
        "id": name(number + ROWS, 30),
        "source": "nyc-departures",
        "type": "flight.departure",
        "subject": name(number % 16, 2),
        "code": "value_not_a_number",
        "detail": "data.distance_miles is no number",
        "received_at": AT.format(number % 60),
        "status": "open",
    }


def check(number: int) -> dict[str, Any]:
    return {
        "id": f"chk_{name(number, 22)}",
        "asked_at": AT.format(number % 60),
        "by": name(number % 16, 6),
        "state": "done",
        "fault": None,
        "holds": True,
    }


LISTS: dict[str, Any] = {
    "suspense.html": suspense_page(rows(suspended), "", Zones()),
    "late.html": late_page(rows(held), Zones()),
    "customers.html": customers.customers_page(customers.Asked(), rows(standing), None, Zones()),
    "quarantine.html": quarantine.quarantine_page(quarantine.Asked(), rows(quarantined), None, Zones()),
    "checks.html": checks_page(rows(check), None, Zones()),
}


@pytest.mark.parametrize("template", LISTS)
def test_a_page_of_200_rows_is_small(template: str) -> None:
    answer = page_of(template, frame("A name"), LISTS[template])
    assert bytes(answer.body).count(b"<tr") > ROWS
    assert len(gzip.compress(bytes(answer.body))) <= PAGE_MAX_BYTES
