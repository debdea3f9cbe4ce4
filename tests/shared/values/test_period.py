"""Periods across DST, skipped midnights, month ends and part periods."""

from datetime import UTC, date, datetime, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.values.period import (
    BillingCalendar,
    add_months,
    billing_periods,
    local_date,
    local_midnight,
    month_after,
)

ZONES = [
    "UTC",
    "America/New_York",
    "Asia/Kathmandu",
    "America/Sao_Paulo",
    "Asia/Beirut",
    "Pacific/Apia",
    "Australia/Lord_Howe",
    "America/St_Johns",
]


@pytest.mark.parametrize(
    ("day", "zone", "instant"),
    [
        (date(2013, 1, 1), "America/New_York", "2013-01-01T05:00:00+00:00"),
        (date(2013, 7, 1), "America/New_York", "2013-07-01T04:00:00+00:00"),
        # the clock changes at 2:00, after midnight
        (
            date(2013, 3, 10),
            "America/New_York",
            "2013-03-10T05:00:00+00:00",
        ),
        (date(2026, 1, 1), "Asia/Kathmandu", "2025-12-31T18:15:00+00:00"),
        # 00:00 does not exist; the day begins at 01:00
        (
            date(2017, 10, 15),
            "America/Sao_Paulo",
            "2017-10-15T03:00:00+00:00",
        ),
        (date(2021, 3, 28), "Asia/Beirut", "2021-03-27T22:00:00+00:00"),
        (date(2011, 12, 31), "Pacific/Apia", "2011-12-30T10:00:00+00:00"),  # 30 December was skipped
        # 00:01 fell back to 23:01: midnight comes twice, the first counts
        (
            date(2005, 10, 30),
            "America/St_Johns",
            "2005-10-30T02:30:00+00:00",
        ),
        # 23:30 jumped to 00:30: the day begins inside the gap
        (
            date(1919, 3, 31),
            "America/Toronto",
            "1919-03-31T04:30:00+00:00",
        ),
    ],
)
def test_a_local_day_begins_at_its_first_instant(day: date, zone: str, instant: str) -> None:
    assert local_midnight(day, zone).isoformat() == instant


@given(day=st.dates(date(1971, 1, 1), date(2037, 12, 31)), zone=st.sampled_from(ZONES))
def test_a_local_day_holds_its_first_instant_and_not_the_one_before(day: date, zone: str) -> None:
    start = local_midnight(day, zone)
    assert local_date(start, zone) >= day > local_date(start - timedelta(seconds=1), zone)


def test_a_period_over_a_clock_change_is_an_hour_shorter() -> None:
    march = list(islice(billing_periods(date(2013, 1, 1), 1, 1, "America/New_York"), 3))[2]
    assert (march.start_date, march.end_date) == (date(2013, 3, 1), date(2013, 3, 31))
    assert (
        march.end - march.start == timedelta(days=30, hours=23)
        and march.whole_days == march.billed_days == 31
    )


def test_an_anchor_on_the_31st_clamps_each_time_and_never_drifts() -> None:
    starts = [
        period.start_date.isoformat()
        for period in islice(billing_periods(date(2026, 1, 31), 31, 1, "UTC"), 4)
    ]
    assert starts == ["2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30"]


def test_a_start_off_the_anchor_makes_a_part_period_first() -> None:
    first, second = islice(billing_periods(date(2026, 1, 17), 1, 1, "UTC"), 2)
    assert (first.start_date, first.end_date) == (date(2026, 1, 17), date(2026, 1, 31))
    assert (first.billed_days, first.whole_days) == (15, 31)
    assert (second.start_date, second.billed_days, second.whole_days) == (date(2026, 2, 1), 28, 28)


def test_an_end_between_anchors_makes_a_part_period_last() -> None:
    *_, last = BillingCalendar(date(2026, 1, 1), 1, "UTC", end_date=date(2026, 2, 11)).periods()
    assert (last.start_date, last.end_date, last.billed_days, last.whole_days) == (
        date(2026, 2, 1),
        date(2026, 2, 10),
        10,
        28,
    )


def test_a_longer_interval_is_anchored_at_the_first_anchor_day_after_the_start() -> None:
    first, second = islice(billing_periods(date(2026, 2, 15), 1, 3, "UTC"), 2)
    assert (first.start_date, first.end_date, first.billed_days, first.whole_days) == (
        date(2026, 2, 15),
        date(2026, 2, 28),
        14,
        90,
    )
    assert (second.start_date, second.end_date) == (date(2026, 3, 1), date(2026, 5, 31))


calendars = st.builds(
    BillingCalendar,
    start_date=st.dates(date(2000, 1, 1), date(2030, 1, 1)),
    anchor_day=st.integers(1, 31),
    timezone=st.sampled_from(ZONES),
    interval_months=st.sampled_from([1, 3, 12]),
)


@given(calendar=calendars)
def test_periods_follow_each_other_without_gap(calendar: BillingCalendar) -> None:
    periods = list(islice(calendar.periods(), 30))
    assert periods[0].start_date == calendar.start_date
    for earlier, later in pairwise(periods):
        assert earlier.end == later.start and earlier.end_date + timedelta(days=1) == later.start_date
        assert 0 < earlier.billed_days <= earlier.whole_days
        assert calendar.after(earlier) == later


@given(calendar=calendars, seconds=st.integers(0, 2 * 365 * 86400))
def test_an_instant_lies_in_the_period_that_contains_it(calendar: BillingCalendar, seconds: int) -> None:
    instant = local_midnight(calendar.start_date, calendar.timezone) + timedelta(seconds=seconds)
    period = calendar.containing(instant)
    assert period is not None and period.start <= instant < period.end
    assert period in list(islice(calendar.periods(), 40))


def test_nothing_contains_an_instant_outside_the_calendar() -> None:
    calendar = BillingCalendar(date(2026, 1, 17), 1, "America/New_York", end_date=date(2026, 3, 1))
    assert calendar.containing(datetime(2026, 1, 17, 4, 59, 59, tzinfo=UTC)) is None
    assert calendar.containing(datetime(2026, 1, 17, 0, 0, tzinfo=ZoneInfo("America/New_York"))) is not None
    assert calendar.containing(datetime(2026, 3, 1, 5, tzinfo=UTC)) is None


def test_adding_months_clamps() -> None:
    assert [
        add_months(date(2024, 2, 29), 12),
        add_months(date(2026, 1, 31), 1),
        add_months(date(2026, 3, 31), -1),
    ] == [date(2025, 2, 28), date(2026, 2, 28), date(2026, 2, 28)]


@pytest.mark.parametrize(
    ("day", "after"),
    [
        (date(2013, 1, 31), date(2013, 2, 1)),
        (date(2013, 12, 1), date(2014, 1, 1)),
        (datetime(2012, 2, 29, 7, tzinfo=UTC), datetime(2012, 3, 1, 7, tzinfo=UTC)),
    ],
)
def test_the_month_after_begins_on_its_first_day(day: date, after: date) -> None:
    assert month_after(day) == after
