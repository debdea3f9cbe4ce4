"""The page of what waits, from what the services' own answers say: each number is theirs, each leads to the page of its parts,
and currencies stay apart."""

import asyncio
import html
import re
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any, get_args

import httpx2
import pytest

from services.billing.conservation.answers.waited import StandingAnswer
from services.billing.conservation.domain.waited import Pile, Standing, Waited, WaitedDay
from services.billing.conservation.domain.waterfall import Step, Waterfall
from services.console.domain.charts.drawing import NONE
from services.console.domain.frame import Frame
from services.console.domain.roles import ROLES
from services.console.domain.times import Zones
from services.console.frame.page import page_of
from services.console.upstream.domain.told import Service, Silent, Told
from services.console.waiting.page.waiting import READERS, Found, WaitingPage, waiting_page
from shared.values.money import Money, currency
from tests.services.console.conftest import Console
from tests.services.console.frame.test_hostile import Read, outline
from tests.services.console.hostile import HOSTILE
from tests.services.console.invoices.test_pages import numbers, said

NOW = datetime(2013, 2, 4, 12, tzinfo=UTC)
SERVICES = get_args(Service)
CONTRACT: Pile = ("suspense", "no_contract", "account executive")
LATE: Pile = ("held_late", "after_the_cut", "finance")
OPEN: Pile = ("unbilled", "period_open", "rating")
HELD: Pile = ("held", "pricing_failed", "finance")


def money(code: str, minor: int) -> Money:
    return Money(minor, currency(code))


def waterfall(code: str) -> Waterfall:
    minor = (1_234_567_80, -1, -250_000_00, -300, 0, -10_00, 7_00, 984_561_79)
    return Waterfall(
        currency(code), {step: money(code, each) for step, each in zip(Step, minor, strict=True)}
    )


def standing(
    piles: Mapping[Pile, Waited], before: Mapping[Pile, Waited] | None = None, *codes: str
) -> dict[str, Any]:
    earlier = None if before is None else WaitedDay(date(2013, 1, 28), NOW, before)
    found = Standing(WaitedDay(date(2013, 2, 4), NOW, piles), [waterfall(code) for code in codes], earlier)
    answer: dict[str, Any] = StandingAnswer.of(found).as_json()
    return answer


FULL = standing(
    {
        CONTRACT: Waited(412, 3, (money("JPY", 70), money("USD", 250_000_00)), date(2012, 3, 1)),
        LATE: Waited(1, 0, (money("USD", 300),), date(2013, 1, 1)),
        OPEN: Waited(0, 0, (money("JPY", -20), money("USD", -7_00)), date(2013, 2, 1)),
    },
    {
        CONTRACT: Waited(400, 3, (money("JPY", 70), money("USD", 249_000_50)), date(2012, 3, 1)),
        LATE: Waited(1, 0, (money("USD", 300),), date(2013, 1, 1)),
        HELD: Waited(2, 0, (money("USD", 54_000_00),), date(2013, 1, 1)),
    },
    "JPY",
    "USD",
)
QUARANTINE = {
    "events": 1412,
    "oldest": "2013-01-30T10:00:00Z",
    "owner": "integration engineer",
    "groups": [
        {"code": "time_missing", "events": 1400, "oldest": "2013-01-30T10:00:00Z"},
        {"code": "value_not_a_number", "events": 12, "oldest": "2013-02-01T10:00:00Z"},
    ],
}
STAKES = {
    "customers": 1002,
    "at_stake": [{"currency": "JPY", "amount": "7"}, {"currency": "USD", "amount": "2412000.00"}],
    "owner": "customer success manager",
}
AT_RISK = {
    "data": [
        {
            "customer": "OO",
            "name": "SkyWest",
            "renews_on": "2014-01-01",
            "reasons": [{"says": "days of silence", "number": "96"}],
            "at_stake": [{"currency": "USD", "amount": "1200.00"}],
        },
        {"customer": "FL", "name": "AirTran", "renews_on": None, "reasons": None, "at_stake": None},
    ],
    "has_more": True,
}


def exceptions(kind: str, overdue: int = 0, deadline: str = "2013-02-09T00:00:00Z") -> dict[str, Any]:
    one = {
        "kind": kind,
        "owner": "finance",
        "open": 3021,
        "overdue": overdue,
        "oldest_at": "2013-02-01T00:00:00Z",
        "deadline_at": deadline,
        "price": [{"currency": "USD", "amount": "9.50"}],
    }
    return {"counts": [one]}


EXCEPTIONS = {
    "usage_ingest": {"counts": []},
    "rating": exceptions("pricing_failed", deadline="2013-02-08T00:00:00Z"),
    "billing": exceptions("conservation_k5", overdue=2),
    "signals": exceptions("webhook_given_up"),
}
ANSWERS = {
    "/v1/reconciliation/waiting": FULL,
    "/v1/quarantine/summary": QUARANTINE,
    "/v1/customers/totals": STAKES,
    "/v1/customers": AT_RISK,
}


def found(answer: dict[str, Any] | None = None, silent: tuple[Service, ...] = ()) -> Found:
    def told(service: Service, document: dict[str, Any]) -> Told | Silent:
        if service in silent:
            return Silent(service, f"{service} cannot be reached", "it comes back by itself")
        return Told(document)

    return Found(
        told("billing", answer or FULL),
        told("usage_ingest", QUARANTINE),
        told("signals", STAKES),
        told("signals", AT_RISK),
        {service: told(service, EXCEPTIONS[service]) for service in SERVICES},
    )


def page(of: Found, since: str = "") -> WaitingPage:
    return waiting_page(of, since, "/?since=2013-01-28", Zones())


def shown(of: WaitingPage) -> str:
    return bytes(page_of("waiting.html", Frame(of.title), of).body).decode()


def test_every_number_of_the_page_is_one_that_a_service_said() -> None:
    answers = [FULL, QUARANTINE, STAKES, AT_RISK, *EXCEPTIONS.values()]
    of = page(found())
    assert len(numbers(of)) > 40 and set(numbers(of)) <= said(answers)
    charts = [said_ for one in of.currencies for _, said_ in one.chart.rows]
    assert {one.replace(",", "") for one in charts if one != NONE} <= said(answers)


def test_currencies_stand_apart_and_each_of_its_money_leads_to_its_parts() -> None:
    yen, dollars = page(found()).currencies
    assert [(row.cells[0].text, row.cells[3].text) for row in yen.waiting.rows] == [
        ("in suspense", "JPY 70"),
        ("not invoiced yet", "JPY -20"),
    ]
    assert [
        (row.cells[0].text, row.cells[2].text, row.cells[3].text, row.cells[3].href, row.cells[4].text)
        for row in dollars.waiting.rows
    ] == [
        ("in suspense", "account executive", "USD 250,000.00", "/suspense", "USD 999.50"),
        ("late", "finance", "USD 3.00", "/late", "="),
        (
            "not invoiced yet",
            "rating",
            "USD -7.00",
            "/invoices?status=draft&state=open&currency=USD",
            "USD -7.00",
        ),
        ("held", "finance", "nothing", "", "USD -54,000.00"),
    ]
    assert [column.head for column in dollars.waiting.columns][3:] == [
        "Waits",
        "More than on 28 Jan 2013",
        "Oldest is of",
    ]
    assert {fact.term: (fact.cells[0].text, fact.cells[0].href) for fact in dollars.steps.facts} == {
        "stored": ("USD 1,234,567.80", "/reconciliation"),
        "voided": ("USD -0.01", "/reconciliation"),
        "in suspense": ("USD -250,000.00", "/suspense"),
        "late": ("USD -3.00", "/late"),
        "held": ("USD 0.00", "/invoices?status=draft&state=held&currency=USD"),
        "waived": ("USD -10.00", "/late"),
        "not invoiced yet": ("USD 7.00", "/invoices?status=draft&currency=USD"),
        "invoiced": ("USD 984,561.79", "/invoices?status=finalized&currency=USD"),
    }
    assert dollars.chart.rows[0] == ("stored", "1,234,567.80") and dollars.chart.heads == ("step", "USD")


def test_events_are_counted_beside_money_and_each_owner_is_named() -> None:
    of = page(found())
    assert of.events is not None and of.owners is not None and of.standing is not None
    assert [(row.cells[1].text, *(cell.text for cell in row.cells[3:])) for row in of.events.rows] == [
        ("the customer has no contract then", "412", "3", "12", "1 Mar 2012"),
        ("came after its period was final", "1", "0", "=", "1 Jan 2013"),
        ("its period cannot be priced", "0", "0", "-2", ""),
    ]
    assert [tuple(cell.text for cell in row.cells) for row in of.owners.rows] == [
        ("account executive", "JPY 70, USD 250,000.00", "412", "1 Mar 2012"),
        ("finance", "USD 3.00", "1", "1 Jan 2013"),
        ("rating", "JPY -20, USD -7.00", "0", "1 Feb 2013"),
    ]
    total = {fact.term: [cell.text for cell in fact.cells] for fact in of.standing.facts}
    assert total["Waits in all"] == ["JPY 50", "USD 249,996.00"]
    assert total["Compared with"] == ["28 Jan 2013"]


def test_what_is_overdue_comes_first_and_the_door_and_renewals_have_theirs() -> None:
    of = page(found())
    assert [(row.cells[0].text, row.cells[4].text, row.href) for row in of.exceptions.rows] == [
        ("conservation k5", "2", "/reconciliation"),
        ("pricing failed", "0", "/work?service=rating&owner=finance"),
        ("webhook given up", "0", "/work?service=signals&owner=finance"),
    ]
    assert of.door is not None and of.door.pager is not None and of.door.pager.said == "1,412 in all"
    assert next(row.cells[2].href for row in of.door.rows) == "/quarantine?status=open&code=time_missing"
    assert of.at_risk is not None and of.stakes is not None
    assert [row.cells[1].text for row in of.at_risk.rows] == ["1 Jan 2014", ""]
    assert [cell.text for cell in of.stakes.facts[1].cells] == ["JPY 7", "USD 2,412,000.00"]
    text = shown(of)
    assert "days of silence: 96" in text and 'href="/customers/OO"' in text
    assert 'href="/customers?at_risk=true&amp;sort=renewal"' in text


def test_each_noun_is_a_link_and_each_link_keeps_the_zone() -> None:
    made = waiting_page(found(), "", "/?zone=utc", Zones("utc"))
    led = {html.unescape(led) for led in re.findall(r'href="(/[^"]*)"', shown(made).partition("<main")[2])}
    assert len(led) > 15 and not {one for one in led - {"/account"} if "zone=utc" not in one}
    assert led >= {
        *(f"/work?owner={owner}&zone=utc" for owner in ("account+executive", "finance", "rating")),
        "/work?owner=integration+engineer&zone=utc",
        "/work?owner=customer+success+manager&zone=utc",
        "/work?service=rating&owner=finance&zone=utc",
        "/customers/OO?zone=utc",
        "/customers?at_risk=true&sort=renewal&zone=utc",
        "/quarantine?status=open&code=time_missing&zone=utc",
        "/suspense?zone=utc",
        "/late?zone=utc",
        "/reconciliation?zone=utc",
        "/invoices?status=draft&state=open&currency=USD&zone=utc",
    }


def test_before_the_first_check_it_says_what_will_appear_and_how() -> None:
    text = shown(page(found(StandingAnswer.of(None).as_json())))
    assert "What waits appears here once the books have been checked" in text
    assert 'href="/reconciliation">check now<' in text and "For whom it waits" not in text


def test_where_nothing_waits_each_table_says_what_would() -> None:
    nothing = Found(
        Told(standing({}, None, "USD")),
        Told({**QUARANTINE, "groups": [], "events": 0, "oldest": None}),
        Told({**STAKES, "customers": 0, "at_stake": []}),
        Told({"data": [], "has_more": False}),
        {service: Told({"counts": []}) for service in SERVICES},
    )
    of = page(nothing)
    text = shown(of)
    for empty in (
        "Nothing waits in this currency.",
        "No event waits.",
        "Nothing waits for anybody.",
        "Nothing is in quarantine.",
        "No customer is at risk.",
        "No exception is open.",
        "no earlier day is kept",
    ):
        assert empty in text
    assert "More than on" not in text
    assert of.standing is not None and of.standing.facts[0].cells[0].text == "nothing"


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_that_is_down_greys_its_own_blocks(service: Service) -> None:
    blocks = {"usage_ingest": 2, "rating": 1, "billing": 2, "signals": 3}
    text = shown(page(found(silent=(service,))))
    assert text.count(f"{service} cannot be reached") == blocks[service]
    assert ("USD 250,000.00" in text) == (service != "billing")
    assert ("time_missing" in text) == (service != "usage_ingest")
    assert ("SkyWest" in text) == (service != "signals")
    assert ("pricing failed" in text) == (service != "rating")
    assert 'name="since"' in text


def _hostile(text: str) -> WaitingPage:
    """The page where whatever comes from outside is this text."""
    answer = standing({CONTRACT: Waited(1, 0, (money("USD", 1),))}, {LATE: Waited(1)}, "USD")
    for pile in (*answer["waiting"], *answer["changes"]):
        pile |= {"place": text, "reason": text, "owner": text}
    answer["owners"][0]["owner"] = answer["waterfalls"][0]["steps"][1]["step"] = text
    count = {**exceptions(text)["counts"][0], "owner": text}
    group = {"code": text, "events": 1, "oldest": "2013-01-30T10:00:00Z"}
    row = {**AT_RISK["data"][0], "customer": text, "name": text, "reasons": [{"says": text, "number": text}]}  # type: ignore[index]
    return page(
        Found(
            Told(answer),
            Told({**QUARANTINE, "owner": text, "groups": [group]}),
            Told({**STAKES, "owner": text}),
            Told({"data": [row], "has_more": True}),
            {"rating": Told({"counts": [count]})},
        ),
        text,
    )


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_texts_change_nothing_of_the_page(text: str) -> None:
    made, plain = shown(_hostile(text)), shown(_hostile("plain"))
    assert outline(made) == outline(plain)
    assert all(led.startswith(("/", "#")) and not led.startswith("//") for led in Read(made).led)


@pytest.fixture
async def answering(console: Console) -> AsyncIterator[Counter[str]]:
    """Services that answer this page, and how often each path of each was asked for."""
    asked: Counter[str] = Counter()

    def answer(request: httpx2.Request) -> httpx2.Response:
        path = request.url.path
        asked[path] += 1
        if path == "/v1/reconciliation/waiting" and request.url.params.get("since") == "soon":
            return httpx2.Response(422, json={"title": "no day", "detail": "write 2013-12-29"})
        if path in ANSWERS:
            return httpx2.Response(200, json=ANSWERS[path])
        return httpx2.Response(200, json=EXCEPTIONS["rating"]) if "exceptions" in path else DOWN

    async with httpx2.AsyncClient(transport=httpx2.MockTransport(answer)) as client:
        console.app.state.context = replace(console.context, http=client, asked={})
        yield asked
        await asyncio.gather(*(kept.answer for kept in console.app.state.context.asked.values()))


DOWN = httpx2.Response(503, json={"title": "busy"})


async def test_it_is_the_first_page_of_who_leads_and_nobody_else_has_it(
    console: Console, answering: Counter[str]
) -> None:
    leader = await console.signed_in("lee", "leader")
    first = await leader.get("/")
    assert first.status_code == 200 and "Where revenue waits" in first.text
    assert '<a id="nav-1" href="/" aria-current="page" data-letter="w">Waiting</a>' in first.text
    for role in ROLES:
        if role in READERS:
            continue
        browser = await console.signed_in(f"a-{role}", role)
        sent_on = await browser.get("/?since=2013-01-28")
        assert (sent_on.status_code, sent_on.headers["location"]) == (303, "/invoices"), role
        assert ">Waiting<" not in (await browser.get("/account")).text


async def test_it_asks_at_most_six_times_and_each_service_once_for_its_exceptions(
    console: Console, answering: Counter[str]
) -> None:
    leader = await console.signed_in("lee", "leader")
    answering.clear()
    assert (await leader.get("/?since=2013-01-28")).status_code == 200
    assert answering["/v1/exceptions/summary"] == len(SERVICES)
    own = [path for path in answering if path in ANSWERS]
    assert sum(answering[path] for path in own) == len(ANSWERS) <= 6
    wrong = await leader.get("/?since=soon")
    assert wrong.status_code == 422 and "write 2013-12-29" in wrong.text
