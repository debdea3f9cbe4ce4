"""What signals hears becomes roll-ups by local day, evaluations with history, and facts told once."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from services.signals.evaluation.usecases.evaluate import evaluate_due
from services.signals.replica.usecases.hear_activity import fold_waiting
from shared.runtime.clock import to_us
from shared.topics.billing import DOCUMENTS, DocumentMessage
from shared.topics.rating import (
    ACTIVE_HOURS,
    ACTIVITY,
    CATALOGUE_METERS,
    CONTRACTS,
    CUSTOMERS,
    STATEMENTS,
    ActiveHour,
    ActiveHoursMessage,
    ActivityMessage,
    ContractVersionMessage,
    CustomerMessage,
    DayValues,
    MeterMessage,
    StatementLine,
    StatementMessage,
    SubjectActivity,
)
from shared.topics.usage_ingest import USAGE_QUARANTINE, QuarantineMessage
from tests.services.examples import differences
from tests.services.signals.contracts import calls_line, told_version, written
from tests.services.signals.deployment import START, Signals
from tests.services.signals.settling import document, line

TERMS = written(timezone="America/New_York")


def active(day: date, hours: dict[str, tuple[int, str]], revision: int = 1, **more: Any) -> ActivityMessage:
    seen = datetime(
        day.year, day.month, day.day, max((int(hour) for hour in hours), default=0), 59, tzinfo=UTC
    )
    return ActivityMessage(
        **{
            "subject": "acme",
            "meter": "calls",
            "day": day.isoformat(),
            "revision": revision,
            "hours": hours,
            "customer_id": "cus_acme",
            "customer": "acme",
            "last_seen_us": to_us(seen),
            **more,
        }
    )


def hour_of(day: date, hour: int, events: int, meter: str = "calls") -> ActiveHour:
    start = datetime(day.year, day.month, day.day, hour, tzinfo=UTC)
    return ActiveHour(meter, to_us(start), events, str(events), to_us(start + timedelta(minutes=59)))


def told(revision: int, *hours: ActiveHour, **more: Any) -> ActiveHoursMessage:
    """What a fold told of one subject."""
    whose = {"subject": "acme", "customer_id": "cus_acme", "customer": "acme", **more}
    return ActiveHoursMessage(f"{revision}-0", revision, (SubjectActivity(**whose, hours=hours),))


async def set_up(signals: Signals, timezone: str = "America/New_York", revision: int = 1) -> None:
    await signals.say(
        CUSTOMERS, "cus_acme", CustomerMessage("cus_acme", revision, "acme", "Acme", (), "us", timezone)
    )
    await signals.say(
        CATALOGUE_METERS,
        "calls",
        MeterMessage("calls", 1, "call", "count", None, "ignore", (), {}, None, None),
        MeterMessage("users", 1, "call", "unique", "user", "ignore", (), {}, None, "user"),
    )


async def evaluate_until(signals: Signals, until: datetime) -> None:
    """As the job does."""
    await fold(signals)
    await signals.move_clock(until)
    while True:
        async with signals.context.db.transaction() as uow:
            if not await evaluate_due(uow, until, signals.context.state.policy, 100):
                return


async def rolled_up(signals: Signals) -> Any:
    """As an evaluation reads it."""
    await fold(signals)
    row = await signals.context.db.pool.fetchrow(
        "select * from signals.rollups where customer_id = 'cus_acme' and meter = 'calls'"
    )
    assert row is not None
    return {row["days_from"] + timedelta(days=at): events for at, events in enumerate(row["days"]) if events}


async def test_what_is_at_stake_is_said_of_customer_and_contract_each_day(signals: Signals) -> None:
    """Settled of the periods that ended in the year before the day; of two contracts a currency each."""
    await set_up(signals)
    terms = told_version(TERMS, to_us(START) - 1, to_us(START))
    await signals.say(
        CONTRACTS, "acme-2024", ContractVersionMessage("acme-2024", 1, "cus_acme", "acme", (terms,))
    )
    await signals.say(
        DOCUMENTS,
        "acme-2024",
        document("inv_1", date(2024, 1, 1), line(120_050)),
        document("inv_2", date(2024, 2, 1), line(1_000)),
        document("inv_3", date(2024, 1, 1), line(70), contract="acme-jp", currency="JPY"),
    )
    await evaluate_until(signals, datetime(2024, 3, 2, 12, tzinfo=UTC))
    usd, yen = {"currency": "USD", "amount": "1200.50"}, {"currency": "JPY", "amount": "70"}
    for day, customer, contract in (
        ("2024-01-31", [], []),
        ("2024-02-01", [yen, usd], [usd]),
        ("2024-03-01", [yen, {**usd, "amount": "1210.50"}], [{**usd, "amount": "1210.50"}]),
    ):
        then = await signals.get("/v1/customers/acme/signals", at=f"{day}T12:00:00Z")
        assert then["evaluated"]["at_stake"] == customer, day
        assert then["evaluated"]["contracts"]["acme-2024"]["at_stake"] == contract, day
        values = [value for value in then["values"] if value["name"] == "at_stake"]
        assert len(values) == len(customer) + len(contract)
        for value in values:
            proof = (await signals.client.get(value["evidence"]["path"])).json()
            assert proof["settled"] == customer, (
                "what the customer settled, and of it each period with its contract"
            )
    await signals.context.db.pool.execute("update signals.documents set awaited = true")
    await evaluate_until(signals, datetime(2024, 3, 3, 12, tzinfo=UTC))
    now = (await signals.get("/v1/customers/acme/signals"))["evaluated"]
    assert "at_stake" not in now, "while a document of before is awaited it is not known"


async def test_hours_fall_on_local_days_and_a_newer_snapshot_replaces_the_older(signals: Signals) -> None:
    await set_up(signals)
    await signals.say(ACTIVITY, "acme", active(date(2024, 1, 2), {"3": (2, "2"), "6": (5, "5")}))
    assert await rolled_up(signals) == {date(2024, 1, 1): 2, date(2024, 1, 2): 5}, (
        "03:00Z is still the evening before in New York"
    )
    await signals.say(ACTIVITY, "acme", active(date(2024, 1, 2), {"6": (4, "4")}, revision=2))
    await signals.say(ACTIVITY, "acme", active(date(2024, 1, 2), {"6": (9, "9")}, revision=1))
    assert await rolled_up(signals) == {date(2024, 1, 2): 4}, (
        "two were voided, and the older snapshot came late"
    )


async def test_an_hour_is_replaced_by_what_is_newer_of_it_alone(signals: Signals) -> None:
    await set_up(signals)
    day = date(2024, 1, 2)
    await signals.say(ACTIVITY, "acme", active(day, {"3": (2, "2"), "6": (5, "5")}, revision=3))
    await signals.say(ACTIVE_HOURS, "a", told(4, hour_of(day, 6, 7)), told(2, hour_of(day, 9, 1)))
    assert await rolled_up(signals) == {date(2024, 1, 1): 2, date(2024, 1, 2): 7}, (
        "that there was nothing at nine is newer than that there was one"
    )
    await signals.say(ACTIVE_HOURS, "b", told(6, hour_of(day, 9, 1), hour_of(day, 3, 0)))
    assert await rolled_up(signals) == {date(2024, 1, 2): 8}, "what was at three is void"
    await signals.say(ACTIVITY, "acme", active(day, {"3": (2, "2")}, revision=5))
    assert await rolled_up(signals) == {date(2024, 1, 2): 1}, (
        "a whole day of before counts as its hours: newer than what was said of six, older of the others"
    )
    await signals.say(ACTIVITY, "acme", active(day, {"3": (2, "2")}, revision=7))
    assert await rolled_up(signals) == {date(2024, 1, 1): 2}
    shown = (await signals.get("/v1/customers/acme/signals"))["meters"]
    assert [(meter["last_seen_at"], meter["active_days"]) for meter in shown] == [("2024-01-02T09:59:00Z", 1)]


async def test_an_hour_that_is_said_again_and_again_is_rolled_up_once(signals: Signals) -> None:
    await set_up(signals)
    day = date(2024, 1, 2)
    for revision in range(1, 6):
        await signals.say(ACTIVE_HOURS, "a", told(revision, hour_of(day, 15, revision)))
    assert await rolled_up(signals) == {day: 5}
    for revision in (9, 8, 7, 9):
        await signals.say(ACTIVE_HOURS, "a", told(revision, hour_of(day, 15, revision), hour_of(day, 6, 1)))
    assert await rolled_up(signals) == {day: 10}
    await signals.say(ACTIVE_HOURS, "a", told(10, hour_of(day, 15, 0), hour_of(day, 6, 0)))
    assert await rolled_up(signals) == {}
    shown = (await signals.get("/v1/customers/acme/signals"))["meters"]
    assert [meter["active_days"] for meter in shown] == [0], "all of it is void"


async def test_hours_of_a_subject_that_becomes_a_customer_move_with_the_newest(signals: Signals) -> None:
    """An hour is said to be the customer's; the others of its day are theirs as well, before they are said."""
    await set_up(signals)
    stray: dict[str, Any] = {"subject": "acme-eu", "customer_id": None, "customer": None}
    day = date(2024, 1, 2)
    await signals.say(ACTIVE_HOURS, "a", told(1, hour_of(day, 12, 3), hour_of(day, 13, 2), **stray))
    [unmatched] = (await signals.get("/v1/signals", type="usage.unmatched"))["data"]
    assert (unmatched["customer"], unmatched["data"]["events"]) == ("acme-eu", 5)
    await signals.say(ACTIVE_HOURS, "b", told(3, hour_of(day, 12, 4), subject="acme-eu"))
    assert await rolled_up(signals) == {day: 6}
    await signals.say(ACTIVE_HOURS, "a", told(2, hour_of(day, 13, 7), **stray))
    assert await rolled_up(signals) == {day: 11}, "newer of its hour, older of whose it is"
    await signals.say(ACTIVE_HOURS, "a", told(4, hour_of(day, 12, 5), **stray))
    assert await rolled_up(signals) == {}, "it means the customer no more"
    await signals.say(
        ACTIVE_HOURS, "a", told(5, hour_of(day, 12, 5), subject="acme-eu"), told(6, hour_of(day, 14, 1))
    )
    assert await rolled_up(signals) == {day: 13}, "two subjects of one customer"


async def test_activity_that_comes_before_its_customer_and_a_move_to_another_zone_lose_nothing(
    signals: Signals,
) -> None:
    await signals.say(ACTIVITY, "acme", active(date(2024, 1, 2), {"3": (2, "2"), "6": (5, "5")}))
    await set_up(signals)
    await fold(signals)
    assert await rolled_up(signals) == {date(2024, 1, 1): 2, date(2024, 1, 2): 5}
    await set_up(signals, "UTC", revision=2)
    await fold(signals)
    assert await rolled_up(signals) == {date(2024, 1, 2): 7}
    await fold(signals)
    assert await rolled_up(signals) == {date(2024, 1, 2): 7}, "folded once"


async def test_a_subject_that_becomes_a_customer_counts_from_then_on(signals: Signals) -> None:
    await set_up(signals)
    stray: dict[str, Any] = {"subject": "acme-eu", "customer_id": None, "customer": None}
    await signals.say(ACTIVITY, "acme-eu", active(date(2024, 1, 2), {"12": (3, "3")}, **stray))
    told = (await signals.get("/v1/signals", type="usage.unmatched"))["data"]
    assert [(fact["customer"], fact["data"]["events"]) for fact in told] == [("acme-eu", 3)]
    await signals.say(ACTIVITY, "acme-eu", active(date(2024, 1, 2), {"12": (4, "4")}, revision=2, **stray))
    assert len((await signals.get("/v1/signals", type="usage.unmatched"))["data"]) == 1, (
        "one fact a subject, meter and day"
    )
    await signals.say(
        ACTIVITY, "acme", active(date(2024, 1, 2), {"12": (4, "4")}, revision=3, subject="acme-eu")
    )
    assert await rolled_up(signals) == {date(2024, 1, 2): 4}


async def test_each_day_is_evaluated_by_itself_and_history_answers_as_it_was(signals: Signals) -> None:
    await set_up(signals)
    await signals.say(
        CONTRACTS,
        "acme-2024",
        ContractVersionMessage(
            "acme-2024",
            1,
            "cus_acme",
            "acme",
            (told_version(TERMS, to_us(START) - 1, to_us(START)),),
        ),
    )
    for number in range(1, 13):
        await signals.say(ACTIVITY, "acme", active(date(2024, 1, number), {"15": (1, "1")}))
    await signals.context.db.pool.execute(
        "insert into signals.renewal_models values (1, $1, 16, $2)",
        START,
        {"outcomes": 16, "base_rate": 0.1875},
    )
    await evaluate_until(signals, datetime(2024, 3, 2, 12, tzinfo=UTC))
    days = await signals.context.db.pool.fetch("select day from signals.standings order by day")
    assert [row["day"] for row in days] == [date(2024, 1, 1) + timedelta(days=n) for n in range(62)], (
        "one evaluation a day, none left out"
    )
    facts = [(fact["type"], fact["day"]) for fact in reversed((await signals.get("/v1/signals"))["data"])]
    assert facts == [
        ("customer.activation.reached", "2024-01-11"),
        ("meter.silent", "2024-01-20"),
        ("customer.at_risk", "2024-02-12"),
    ]
    then = await signals.get("/v1/customers/acme/signals", at="2024-01-08T12:00:00Z")
    assert then["evaluated"]["day"] == "2024-01-08" and then["evaluated"]["last_seen_on"] == "2024-01-07"
    assert then["evaluated"]["contracts"]["acme-2024"]["activation"]["milestones"][0]["has"] == "7"
    now = await signals.get("/v1/customers/acme/signals")
    assert differences("signals", "customer_signals", now) == []
    assert now["last_seen_at"] == "2024-01-12T15:59:00Z" and now["evaluated"]["meters"]["calls"]["silent"]
    listed = (await signals.get("/v1/customers"))["data"]
    assert (
        listed[0]["silent_meters"] == ["calls"]
        and listed[0]["contracts"]["acme-2024"]["activation"] == "reached"
    )
    evidence = await signals.get(
        "/v1/customers/acme/activity", since="2024-01-01", until="2024-01-04", meter="calls"
    )
    assert [row["events"] for row in evidence["days"]] == [1, 1, 1]
    await signals.get("/v1/customers/nobody/signals", status=404)
    await signals.get("/v1/customers/acme/activity", status=422, since="2000-01-01")


async def test_where_a_customer_stands_is_read_from_the_running_statement(signals: Signals) -> None:
    """With an allowance its use is shown; without one there is no capacity, and the period is shown all the
    same."""
    await set_up(signals)
    started, ended = datetime(2024, 1, 1, 5, tzinfo=UTC), datetime(2024, 2, 1, 5, tzinfo=UTC)
    for contract, said in (("acme-2024", {"included:calls": "100", "used:calls": "40"}), ("acme-plain", {})):
        terms = {
            **TERMS,
            "contract": contract,
            "lines": [calls_line(**({"included": "100"} if said else {}))],
        }
        await signals.say(
            CONTRACTS,
            contract,
            ContractVersionMessage(
                contract,
                1,
                "cus_acme",
                "acme",
                (told_version(terms, to_us(START) - 1, to_us(START)),),
            ),
        )
        line = StatementLine("l1", "calls", "c1", 1, "h", "usage", Decimal(40), 0, meter="calls")
        await signals.say(
            STATEMENTS,
            contract,
            StatementMessage(
                f"00000000-0000-5000-8000-{len(contract):012d}",
                7,
                contract,
                "cus_acme",
                "acme",
                "us",
                "USD",
                "America/New_York",
                to_us(started),
                to_us(ended),
                "2024-01-01",
                "2024-01-31",
                (line,),
                0,
                {},
                0,
                False,
                0,
                0,
                30,
                (1,),
                consumption=said,
            ),
        )
    await signals.move_clock(datetime(2024, 1, 16, 17, tzinfo=UTC))
    shown = {one["contract"]: one for one in (await signals.get("/v1/customers/acme/signals"))["contracts"]}
    assert [one["period"] for one in shown.values()] == [["2024-01-01", "2024-01-31"]] * 2
    assert [one["share"] for one in shown["acme-2024"]["consumption"]] == ["0.4"] and shown["acme-plain"][
        "consumption"
    ] == []


async def test_a_statement_in_pages_is_known_when_all_are_here_and_then_whole(signals: Signals) -> None:
    """An allowance on the second page was taken for unused while only the first was looked at."""
    await set_up(signals)
    started, ended = datetime(2024, 1, 1, 5, tzinfo=UTC), datetime(2024, 2, 1, 5, tzinfo=UTC)
    terms = {
        **TERMS,
        "lines": [calls_line(key, included="100") for key in ("first", "second")],
    }
    await signals.say(
        CONTRACTS,
        "acme-2024",
        ContractVersionMessage(
            "acme-2024",
            1,
            "cus_acme",
            "acme",
            chain=1,
            version=told_version(terms, to_us(START) - 1, to_us(START)),
        ),
    )
    pages = [
        StatementMessage(
            "00000000-0000-5000-8000-000000000001",
            7,
            "acme-2024",
            "cus_acme",
            "acme",
            "us",
            "USD",
            "America/New_York",
            to_us(started),
            to_us(ended),
            "2024-01-01",
            "2024-01-31",
            (StatementLine(f"l{page}", key, "c1", 1, "h", "usage", Decimal(40), 0, meter="calls"),),
            0,
            {},
            0,
            False,
            0,
            0,
            30,
            (1,),
            page=page,
            pages=2,
            consumption={"included:first": "100", "included:second": "100"},
        )
        for page, key in ((1, "first"), (2, "second"))
    ]
    await signals.move_clock(datetime(2024, 1, 16, 17, tzinfo=UTC))
    await signals.say(STATEMENTS, "acme-2024", pages[1])
    assert [one["consumption"] for one in (await signals.get("/v1/customers/acme/signals"))["contracts"]] == [
        []
    ]
    await signals.say(STATEMENTS, "acme-2024", pages[0])
    [shown] = (await signals.get("/v1/customers/acme/signals"))["contracts"]
    assert [(one["line"], one["share"]) for one in shown["consumption"]] == [
        ("first", "0.4"),
        ("second", "0.4"),
    ]
    assert await signals.context.db.pool.fetchval("select count(*) from signals.statement_pages") == 0


async def test_engagement_counts_distinct_users(signals: Signals) -> None:
    await set_up(signals)
    for number, values in ((1, ("a", "b", "c")), (20, ("a", "d")), (25, ("a",))):
        await signals.say(
            ACTIVITY,
            "acme",
            active(
                date(2024, 1, number), {"15": (len(values), str(len(values)))}, meter="users", values=values
            ),
        )
    await evaluate_until(signals, datetime(2024, 1, 26, 12, tzinfo=UTC))
    engagement = (await signals.get("/v1/customers/acme/signals"))["evaluated"]["engagement"]
    assert (engagement["users_day"], engagement["users_week"], engagement["users_month"]) == (1, 2, 4)
    assert engagement["stickiness"] == "0.05", (
        "3 + 2 + 1 users in thirty days, of four: the last day alone is 0.25"
    )


async def test_the_users_of_a_day_are_those_that_were_said_last(signals: Signals) -> None:
    await set_up(signals)
    day = date(2024, 1, 25)

    def users(revision: int, *values: str) -> ActiveHoursMessage:
        return told(revision, days=(DayValues("users", day.isoformat(), values, 1),))

    async def known() -> list[str]:
        found = await signals.context.db.pool.fetchval("select items from signals.activity")
        return sorted(found)

    await signals.say(ACTIVE_HOURS, "a", users(2, "a", "b"), told(2, hour_of(day, 15, 3, "users")))
    await signals.say(ACTIVE_HOURS, "a", told(3, hour_of(day, 16, 1, "users")), users(1, "z"))
    assert await known() == ["a", "b"], "an hour says nothing of them"
    await signals.say(ACTIVE_HOURS, "a", users(4, "a"), users(3, "a", "b", "c"))
    assert await known() == ["a"]
    before = active(day, {"15": (1, "1")}, 6, meter="users", values=("d",))
    await signals.say(ACTIVITY, "acme", before)
    await signals.say(ACTIVE_HOURS, "a", users(5, "e"))
    assert await known() == ["d"], "a whole day of before says all of them"
    await signals.say(ACTIVE_HOURS, "a", users(7))
    assert await known() == [], "the last of them is void"


async def test_the_most_active_users_gone_quiet_are_told_once(signals: Signals) -> None:
    """Five users; ann, ben and cy carry January. In February two of the three are not seen for two weeks,
    while two others stay."""
    await set_up(signals)
    for number in range(1, 29):
        users = ("ann", "ben", "cy", *(("dee", "eve") if number % 7 == 0 else ()))
        await signals.say(
            ACTIVITY,
            "acme",
            active(date(2024, 1, number), {"15": (len(users), "1")}, meter="users", values=users),
        )
    for number in range(1, 29):
        users = ("ann", "dee", "eve") if number > 8 else ("ann", "ben", "cy")
        await signals.say(
            ACTIVITY,
            "acme",
            active(date(2024, 2, number), {"15": (len(users), "1")}, meter="users", values=users),
        )
    await evaluate_until(signals, datetime(2024, 2, 27, 12, tzinfo=UTC))
    told = (await signals.get("/v1/signals", type="customer.users_quiet"))["data"]
    assert [
        (fact["day"], fact["data"]["most_active"], fact["data"]["quiet"], fact["data"]["share"])
        for fact in told
    ] == [("2024-02-23", 3, 2, "0.6667")], "on the first day that fourteen days have passed, and once"
    evaluated = (await signals.get("/v1/customers/acme/signals"))["evaluated"]
    assert evaluated["numbers"]["most_active_quiet"] == "0.6667"
    assert [reason["reason"] for reason in evaluated["risk"]["reasons"]] == ["most_active_quiet"], (
        "as many users, but not those who mattered"
    )


async def test_documents_and_quarantine_are_facts_once(signals: Signals) -> None:
    await set_up(signals)

    def document(status: str, revision: int) -> DocumentMessage:
        return DocumentMessage(
            "inv_1",
            revision,
            "invoice",
            status,
            "US-1",
            "acme-2024",
            "cus_acme",
            "acme",
            "us",
            "USD",
            "2024-01-01",
            "2024-01-31",
            "2024-02-04",
            "2024-03-05",
            (),
            1050,
            1050,
        )

    await signals.say(DOCUMENTS, "acme-2024", document("draft", 1))
    assert not (await signals.get("/v1/signals"))["data"], "a draft is nobody's news"
    await signals.say(DOCUMENTS, "acme-2024", document("finalized", 2), document("finalized", 2))
    refused = [
        QuarantineMessage(
            f"qua_{n}",
            "value_not_a_number",
            "send a number",
            b"{}",
            to_us(START),
            to_us(START),
            subject="acme",
            type="call",
        )
        for n in range(3)
    ]
    await signals.say(USAGE_QUARANTINE, "gateway", *refused)
    told = {fact["type"]: fact for fact in (await signals.get("/v1/signals"))["data"]}
    assert len(told) == 2 and told["invoice.finalized"]["data"]["total"] == "10.50"
    assert (
        told["usage.quarantined"]["data"]["first"] == "qua_0"
        and told["usage.quarantined"]["seat"] == "integration engineer"
    )
    assert sorted(fact["sequence"] for fact in told.values()) == [1, 2]


async def test_a_signal_is_acknowledged_snoozed_and_judged(signals: Signals) -> None:
    from tests.services.signals.deployment import fact

    risky = fact(1, "renewal.at_risk")
    due = [fact(number) for number in (2, 3)]
    for one in (risky, *due):
        object.__setattr__(one, "data", {"term_end": "2025-01-01"})
    object.__setattr__(due[1], "contract", "other-2024")
    await signals.tell(risky, *due)
    refused = await signals.post(f"/v1/signals/{risky.signal_id}/acknowledge", {"by": "maria"}, status=422)
    assert refused["code"] == "body_not_taken" and "'by'" in refused["detail"], (
        "who acknowledges is who holds the key"
    )
    assert (await signals.get(f"/v1/signals/{risky.signal_id}"))["state"] == "open"
    assert (await signals.post(f"/v1/signals/{risky.signal_id}/acknowledge"))["acknowledged_by"] == "key_test"
    await signals.post(f"/v1/signals/{due[0].signal_id}/snooze", {"until": START.isoformat()}, status=422)
    await signals.post(
        f"/v1/signals/{due[0].signal_id}/snooze", {"until": (START + timedelta(days=1)).isoformat()}
    )
    assert [one["id"] for one in (await signals.get("/v1/signals", state="open"))["data"]] == [
        due[1].signal_id
    ]
    await signals.move_clock(START + timedelta(days=2))
    assert len((await signals.get("/v1/signals", state="open"))["data"]) == 2, "a snooze runs out"
    await signals.post(f"/v1/signals/{due[1].signal_id}/outcome", {"outcome": "contracted"})
    await signals.post(f"/v1/signals/{due[0].signal_id}/outcome", {"outcome": "renewed"})
    await signals.post(f"/v1/signals/{risky.signal_id}/outcome", {"outcome": "churned"})
    report = await signals.get("/v1/signals/report")
    assert (report["judged"], report["called"], report["lost"], report["precision"], report["recall"]) == (
        2,
        1,
        2,
        "1",
        "0.5",
    )
    await signals.post("/v1/signals/sig_none/acknowledge", status=404)


async def test_the_feed_is_well_formed_whatever_a_customer_is_called(signals: Signals) -> None:
    from xml.etree.ElementTree import fromstring

    from tests.services.signals.deployment import fact

    await signals.tell(fact(1), customer='<script>&"\u0001')
    answer = await signals.client.get("/v1/signals/feed.atom")
    assert answer.headers["content-type"] == "application/atom+xml"
    entry = fromstring(answer.content).find("{http://www.w3.org/2005/Atom}entry")
    assert (
        entry is not None
        and entry.findtext("{http://www.w3.org/2005/Atom}title") == '<script>&": renewal.due'
    )


async def fold(signals: Signals) -> None:
    async with signals.context.db.transaction() as uow:
        await fold_waiting(uow, 100)
