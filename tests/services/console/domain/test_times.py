"""Instants with their zone."""

import pytest

from services.console.domain.times import (
    CHOICES,
    Moment,
    MomentUnreadable,
    Zones,
    days,
    eve_of,
    is_zone,
    moment,
)

NEW_YORK, BERLIN = "America/New_York", "Europe/Berlin"


@pytest.mark.parametrize(
    ("instant", "zone", "text"),
    [
        ("2014-01-05T05:00:02Z", NEW_YORK, "5 Jan 2014 00:00:02 EST"),
        ("2014-07-05T04:00:02Z", NEW_YORK, "5 Jul 2014 00:00:02 EDT"),
        # the hour that comes twice
        ("2014-11-02T05:30:00Z", NEW_YORK, "2 Nov 2014 01:30:00 EDT"),
        ("2014-11-02T06:30:00Z", NEW_YORK, "2 Nov 2014 01:30:00 EST"),
        ("2014-01-05T05:00:02.999999Z", "UTC", "5 Jan 2014 05:00:02 UTC"),
        ("2014-01-05T05:00:02+05:45", "Asia/Kathmandu", "5 Jan 2014 05:00:02 UTC+0545"),
        ("2014-01-05T05:00:02Z", "America/Sao_Paulo", "5 Jan 2014 03:00:02 UTC-02"),
    ],
)
def test_an_instant_is_shown_with_the_name_of_its_zone(instant: str, zone: str, text: str) -> None:
    assert moment(instant, zone) == Moment(text, zone, instant)


def test_the_chooser_rules_whose_zone_it_is() -> None:
    of = {choice: Zones(choice, mine=BERLIN) for choice in CHOICES}
    assert {choice: zones.zone_of(NEW_YORK) for choice, zones in of.items()} == {
        "customer": NEW_YORK,
        "mine": BERLIN,
        "utc": "UTC",
    }
    assert of["customer"].zone_of(None) == "UTC"
    assert of["mine"].moment("2014-01-05T05:00:02Z").text == "5 Jan 2014 06:00:02 CET"


@pytest.mark.parametrize("instant", ["2014-01-05", "2014-01-05T05:00:02", "yesterday", ""])
def test_what_is_no_instant_is_refused(instant: str) -> None:
    with pytest.raises(MomentUnreadable, match="is none"):
        moment(instant, "UTC")


@pytest.mark.parametrize(
    ("instant", "zone"),
    [
        ("2014-02-31T00:00:00Z", "UTC"),
        ("2014-01-05T05:00:02Z", "Europe/Nowhere"),
        ("2014-01-05T05:00:02Z", "../etc"),
        ("0001-01-01T00:00:00Z", "America/New_York"),
    ],
)
def test_what_cannot_be_shown_in_a_zone_is_no_fault_of_ours(instant: str, zone: str) -> None:
    with pytest.raises(MomentUnreadable):
        moment(instant, zone)
    assert is_zone(zone) is zone.startswith(("UTC", "America"))


@pytest.mark.parametrize("day", ["2014-02-31", "20140105", "0001-01-01T", ""])
def test_what_is_no_day_is_refused(day: str) -> None:
    with pytest.raises(MomentUnreadable):
        days(day, day)
    assert eve_of("2014-03-01") == "2014-02-28"
    with pytest.raises(MomentUnreadable, match="no day is before"):
        eve_of("0001-01-01")


@pytest.mark.parametrize(
    ("first", "last", "text"),
    [
        ("2013-12-01", "2013-12-31", "1–31 Dec 2013"),
        ("2013-12-05", "2013-12-05", "5 Dec 2013"),
        ("2013-11-16", "2013-12-15", "16 Nov – 15 Dec 2013"),
        ("2013-12-16", "2014-01-15", "16 Dec 2013 – 15 Jan 2014"),
    ],
)
def test_days_of_a_period_say_once_what_they_have_in_common(first: str, last: str, text: str) -> None:
    assert days(first, last) == text
