"""What the year is known to hold for customer success, and what of it was not said."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lab.departures.schedule import read_schedule

#: All have a year from 1 January and 60 days of notice, AS too, which signed in March with effect from 1 January.
CONTRACTED = frozenset(recorded.document["customer"] for recorded in read_schedule())
NOTICE_DAY, ACTIVATION_DEADLINE = "2013-11-02", "2013-03-02"
Told = Sequence[Mapping[str, Any]]


def mismatches(
    standings: Sequence[Mapping[str, Any]], told: Told, received: Mapping[str, Mapping[str, Any]]
) -> list[str]:
    """Everything that differs, each as a sentence; nothing when all is as it must be."""
    by_customer = {one["customer"]: one for one in standings}
    return [
        *_trends(by_customer),
        *_silences(told),
        *_renewals(told),
        *_risks(standings, told),
        *_activation(told),
        *_consumption(told),
        *_webhooks(told, received),
    ]


def _trends(standings: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """OO flew last in November, which goes before any trend; HA flies a fifth less than in the first third of the year, seven
    to six a week, which may be chance."""
    if not standings.get("OO", {}).get("silent_since"):
        yield "OO flew nothing for a month, and is not said to be silent"
    if not standings.get("HA", {}).get("trend_within_chance"):
        yield "HA's seven flights a week became six, and that is not said to be within chance"
    wanted = [("VX", "trend_month_six", "deepening"), ("FL", "trend", "drifting")]
    for customer, name, trend in wanted:
        if standings.get(customer, {}).get(name) != trend:
            yield f"{customer}: {name} is {standings.get(customer, {}).get(name)}, not {trend}"
    for customer in ("9E", "B6"):
        if "drifting" in (
            standings.get(customer, {}).get("trend"),
            standings.get(customer, {}).get("trend_month_six"),
        ):
            yield f"{customer} is called drifting, and is not"


def _silences(told: Told) -> Iterator[str]:
    if not _of(told, "meter.silent", "OO"):
        yield "OO flew nothing for months, and no meter was called silent"
    for fact in told:
        if fact["type"] == "meter.silent" and fact["customer"] in ("UA", "B6", "DL", "AA", "EV"):
            yield f"{fact['customer']} flies every day, and its meter was called silent on {fact['day']}"


def _renewals(told: Told) -> Iterator[str]:
    """Of those whose notice runs, OO alone flew nothing for months. VX flies more; the few flights a week of YV, HA, F9
    and AS vary within chance. FL comes to be at risk in December, see below."""
    due = {fact["customer"] for fact in told if fact["type"] == "renewal.due" and fact["day"] == NOTICE_DAY}
    if due != CONTRACTED:
        yield f"renewal.due of {NOTICE_DAY} names {sorted(due)}, not {sorted(CONTRACTED)}"
    risky = {
        fact["customer"] for fact in told if fact["type"] == "renewal.at_risk" and fact["day"] == NOTICE_DAY
    }
    if risky != {"OO"}:
        yield f"renewal.at_risk of {NOTICE_DAY} names {sorted(risky)}, not OO alone"


def _risks(standings: Sequence[Mapping[str, Any]], told: Told) -> Iterator[str]:
    """At the year's end OO has flown nothing for months, and FL, which flew 324 times in January and 208 times in December,
    27 % less in the last third of the year than in the first: more than a quarter over the term is a risk by itself."""
    risky = {one["customer"] for one in standings if one["at_risk"]}
    if risky != {"OO", "FL"}:
        yield f"at risk at the year's end are {sorted(risky)}, not FL and OO"
    for customer, reason in (("OO", "silent_days"), ("FL", "trend_change")):
        reasons = [
            one["reason"]
            for fact in _of(told, "customer.at_risk", customer)
            for one in fact["data"]["reasons"]
        ]
        if reason not in reasons:
            yield f"{customer}: customer.at_risk was told for {sorted(set(reasons))}, not for {reason}"


def _activation(told: Told) -> Iterator[str]:
    """Ten departures within 60 days: OO flew its tenth in September. AS had flown them long before it signed, YV on the
    ninth day of the year."""
    failed = {
        (fact["customer"], fact["day"]) for fact in told if fact["type"] == "customer.activation.failed"
    }
    if failed != {("OO", ACTIVATION_DEADLINE)}:
        yield f"activation failed for {sorted(failed)}, not for OO on {ACTIVATION_DEADLINE}"
    if not _of(told, "customer.activation.reached", "UA"):
        yield "UA's activation was not reached"


def _consumption(told: Told) -> Iterator[str]:
    if not any(
        fact["data"]["kind"] == "minimum"
        for fact in _of(told, "customer.consumption.threshold_reached", "MQ")
    ):
        yield "MQ's spending minimum crossed no threshold"


def _webhooks(told: Told, received: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    missing = [fact["id"] for fact in told if fact["id"] not in received]
    if missing:
        yield f"{len(missing)} of {len(told)} signals never reached the receiver, such as {missing[0]}"


def _of(told: Told, type: str, customer: str) -> list[Mapping[str, Any]]:
    return [fact for fact in told if fact["type"] == type and fact["customer"] == customer]
