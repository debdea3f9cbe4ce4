"""The Monday after the year: what it sends is new to the year, and its faults are faults."""

from collections import Counter
from datetime import datetime
from functools import cache
from typing import Any

import msgspec

from lab.departures.monday import (
    CARGO,
    CARGO_EVENTS,
    FAULTY_TIMES,
    FAULTY_VALUES,
    LATE_EVENTS,
    MONDAY,
    VOID_MONTH,
    bodies,
    void_of,
)
from lab.departures.year import SOURCE, Flight, read_flights


@cache
def flights() -> list[Flight]:
    return read_flights()


def events() -> list[dict[str, Any]]:
    return [msgspec.json.decode(body) for body in bodies(flights())]


def test_no_event_of_the_monday_is_one_of_the_year_and_none_is_sent_twice() -> None:
    names = [event["id"] for event in events()]
    assert len({*names}) == len(names) == CARGO_EVENTS + FAULTY_VALUES + FAULTY_TIMES + LATE_EVENTS
    assert not {*names} & {flight.event_id for flight in flights()}


def test_the_cargo_flies_in_january_before_the_monday() -> None:
    times = [datetime.fromisoformat(event["time"]) for event in events() if event["subject"] == CARGO]
    assert len({*times}) == CARGO_EVENTS
    assert all((time.year, time.month) == (2014, 1) and time < MONDAY for time in times)


def test_so_many_are_faulty_and_in_two_ways() -> None:
    faults = Counter(
        "no time" if "time" not in event else "no number"
        for event in events()
        if "time" not in event or not isinstance(event["data"]["distance_miles"], int)
    )
    assert faults == {"no time": FAULTY_TIMES, "no number": FAULTY_VALUES}


def test_what_is_voided_was_flown_in_a_month_that_is_invoiced_by_then() -> None:
    void = msgspec.json.decode(void_of(flights()))
    (flight,) = (one for one in flights() if one.event_id == void["id"])
    assert void["source"] == SOURCE and flight.month == VOID_MONTH and flight.delay is not None
