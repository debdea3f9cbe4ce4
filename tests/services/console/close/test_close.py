"""The pages of a close from what the services say: each step with its state and evidence, a service that is down, hostile
texts, and suspense that is accepted as it was seen."""

import copy
import html
import re
from typing import Any

import pytest

from services.console.close.domain.steps import Looked, steps_of
from services.console.domain.month import Month
from services.console.domain.times import THEIRS
from services.console.upstream.domain.told import Silent, Told
from shared.http.months import first_day
from tests.services.console.conftest import Upstream
from tests.services.console.frame.test_hostile import Read, outline
from tests.services.console.hostile import HOSTILE
from tests.system.console.pages import hidden

MARCH = Month(first_day("2026-03"))
SILENT = Silent("billing", "billing cannot be reached", "it comes back by itself")
AT = "2026-04-05T11:00:00Z"
CHECK = {
    "id": "chk_1",
    "state": "done",
    "by": "ana",
    "asked_at": AT,
    "done_at": AT,
    "holds": True,
    "fault": None,
    "progress": [{"k": "K5", "done": True, "holds": True, "taken_at": AT, "seconds": "0.09"}],
}
LINE = {
    "customer": "EV",
    "subject": None,
    "type": "call",
    "reason": "no_contract",
    "owner": "account executive",
    "first_month": "2026-01",
    "last_month": "2026-03",
    "events": 1204,
    "value": [{"currency": "JPY", "amount": "500"}, {"currency": "USD", "amount": "1234567.80"}],
    "unvalued": 0,
    "acceptance": None,
}
LATE = {
    "contract": "acme-2026",
    "period": {"start": "2026-02-01", "end": "2026-02-28"},
    "accepted_until": AT,
    "events": 1,
    "currency": "USD",
    "amount": "2.00",
    "lines": [],
    "fault": None,
    "watermark": {"0": 17},
}
OPEN: dict[str, Any] = {
    "closing": {
        "month": "2026-03",
        "totals": [
            {"state": "due", "currency": "USD", "statements": 1, "subtotal": "1234.50"},
            {"state": "final", "currency": "JPY", "statements": 2, "subtotal": "700"},
            {"state": "final", "currency": "USD", "statements": 5, "subtotal": "99.00"},
        ],
        "barrier": {
            "records": [{"service": "rating", "topic": "usage.events", "records": 1204}],
            "batches": 1,
            "marks": 2,
            "since": AT,
        },
    },
    "quarantine": {"events": 14, "oldest": AT, "owner": "integration engineer", "groups": []},
    "suspense": {
        "suspended": 3,
        "accepted": 2,
        "events": 1204,
        "value": LINE["value"],
        "lines": [LINE],
        "more": False,
    },
    "checks": {
        "data": [{**CHECK, "state": "running"}, {**CHECK, "holds": False}],
        "has_more": False,
        "next_cursor": None,
    },
    "drafts": {
        "totals": [
            {"state": "held", "currency": "USD", "documents": 1, "total": "5.00"},
            {"state": "awaiting_approval", "currency": "USD", "documents": 2, "total": "7.00"},
        ]
    },
    "numbers": {
        "month": "2026-03",
        "documents": 13,
        "unposted": 1,
        "series": [
            {
                "series": "A-2026",
                "documents": 12,
                "first": "A-2026-000001",
                "last": "A-2026-000014",
                "unposted": 1,
            },
            {
                "series": "B-2026",
                "documents": 1,
                "first": "B-2026-000001",
                "last": "B-2026-000001",
                "unposted": 0,
            },
        ],
    },
    "late": {"data": [LATE, LATE], "has_more": True, "next_cursor": "x"},
}
CLOSED: dict[str, Any] = {
    "closing": {
        **OPEN["closing"],
        "totals": [{"state": "final", "currency": "USD", "statements": 5, "subtotal": "99.00"}],
    },
    "quarantine": {"events": 0, "oldest": None, "owner": "integration engineer", "groups": []},
    "suspense": {"suspended": 2, "accepted": 2, "events": 0, "value": [], "lines": [], "more": False},
    "checks": {"data": [CHECK], "has_more": False, "next_cursor": None},
    "drafts": {"totals": []},
    "numbers": {**OPEN["numbers"], "unposted": 0},
    "late": {"data": [], "has_more": False, "next_cursor": None},
}
PATHS = {
    "closing": "GET rating/v1/closing/2026-03",
    "quarantine": "GET ingest/v1/quarantine/summary",
    "suspense": "GET billing/v1/reconciliation/suspense",
    "checks": "GET billing/v1/reconciliation/checks",
    "drafts": "GET billing/v1/invoices/totals",
    "numbers": "GET billing/v1/journal/months/2026-03",
    "late": "GET rating/v1/late-usage",
}


def told(of: dict[str, Any]) -> dict[str, Any]:
    return {PATHS[name]: document for name, document in of.items()}


def steps(**changes: Any) -> dict[str, tuple[str, str]]:
    """The state and the evidence of each step where services say this, and what is done otherwise."""
    said = {**CLOSED, **changes}
    looked = Looked(**{name: one if isinstance(one, Silent) else Told(one) for name, one in said.items()})
    return {step.key: (step.found.state, step.found.evidence) for step in steps_of(looked, MARCH, THEIRS)}


def test_what_is_closed_has_no_step_left() -> None:
    assert {state for state, _ in steps().values()} == {"done"}


def test_each_step_says_what_it_waits_for() -> None:
    assert steps(**OPEN) == {
        "metered": (
            "waits",
            "7 of 8 statements are final; 1 due; waiting: rating is 1,204 records behind, 1 batch not yet in statements, "
            "2 marks not yet in statements",
        ),
        "quarantine": ("waits", "14 events open, the oldest since 5 Apr 2026 11:00:00 UTC"),
        "suspense": ("waits", "2 of 3 accepted, 1,204 events not, worth JPY 500, USD 1,234,567.80"),
        "books": ("blocked", "checked 5 Apr 2026 11:00:00 UTC; one is being made"),
        "drafts": ("blocked", "1 held, 2 to be approved"),
        "numbers": (
            "blocked",
            "A-2026-000001 … A-2026-000014 (12 documents); B-2026-000001; 1 document not in the journal",
        ),
        "late": ("waits", "2 periods and more to be decided"),
    }


NOTHING = {"totals": [], "barrier": OPEN["closing"]["barrier"]}
HELD = {**OPEN["closing"], "totals": [{"state": "held", "currency": None, "statements": 1, "subtotal": None}]}
BROKEN = {"data": [{**CHECK, "progress": [{"k": "K5", "done": True, "holds": False}]}]}


@pytest.mark.parametrize(
    ("changes", "step", "state"),
    [
        ({"closing": NOTHING}, "metered", "done"),
        ({"closing": HELD}, "metered", "blocked"),
        ({"closing": SILENT}, "metered", "not known"),
        ({"closing": {**NOTHING, "totals": [{"state": "of tomorrow", "statements": 1}]}}, "metered", "waits"),
        ({"drafts": {"totals": [{"state": "of tomorrow", "documents": 1}]}}, "drafts", "waits"),
        ({"suspense": {"suspended": 0, "accepted": 0}}, "suspense", "done"),
        ({"checks": {"data": []}}, "books", "waits"),
        ({"checks": {"data": []}}, "numbers", "waits"),
        ({"checks": SILENT}, "numbers", "waits"),
        ({"checks": BROKEN}, "numbers", "blocked"),
        ({"numbers": {"series": [], "unposted": 0}}, "numbers", "waits"),
        ({"numbers": SILENT}, "numbers", "not known"),
        ({"drafts": {"totals": [{"state": "open", "documents": 1}]}}, "drafts", "waits"),
    ],
)
def test_a_step_is_done_only_where_its_service_says_so(
    changes: dict[str, Any], step: str, state: str
) -> None:
    assert steps(**changes)[step][0] == state


def test_a_month_is_bounded_by_its_days() -> None:
    assert MARCH.ends == {"ends_from": "2026-03-01", "ends_to": "2026-03-31"}
    assert (Month(first_day("2026-01")).before.name, Month(first_day("2026-12")).after.name) == (
        "2025-12",
        "2027-01",
    )


async def test_the_month_before_the_business_clock_is_shown_with_its_steps(upstream: Upstream) -> None:
    upstream.say(told(OPEN))
    finance = await upstream.console.signed_in("ana")
    page = await finance.get("/close")
    assert page.status_code == 200, page.text
    assert "<h1>Close 2026-03</h1>" in page.text and "7 steps of 7 left." in page.text
    assert 'hx-get="/close/statements?month=2026-03"' in page.text, "as long as a statement is due"
    assert 'href="/reconciliation/chk_1"' in page.text and '<form id="now"' in page.text
    upstream.say(told(CLOSED))
    closed = await finance.get("/close?month=2026-03")
    assert "Nothing stands in the way of 2026-03." in closed.text and "hx-get" not in closed.text


@pytest.mark.parametrize("service", ["rating", "ingest", "billing"])
async def test_a_service_that_is_down_leaves_the_steps_of_the_others(
    upstream: Upstream, service: str
) -> None:
    answers = {path: one for path, one in told(CLOSED).items() if f" {service}/" not in path}
    upstream.say(answers)
    if service == "billing":
        upstream.told.pop(PATHS["checks"])
    page = await (await upstream.console.signed_in("ana")).get("/close?month=2026-03")
    assert page.status_code == 200
    named = {"ingest": "usage_ingest"}.get(service, service)
    assert page.text.count('<section class="down"') == 1
    assert f"{named} cannot be reached" in page.text and ">done<" in page.text and ">not known<" in page.text


@pytest.mark.parametrize(
    "path", ["/close?month=2026-13", "/close?month=March", "/close/statements", "/close?x=1"]
)
async def test_rubbish_in_an_address_is_a_readable_page(upstream: Upstream, path: str) -> None:
    page = await (await upstream.console.signed_in("ana")).get(path)
    assert 400 <= page.status_code < 500 and "<h1>" in page.text


STATEMENT = {
    "contract": "acme-2026",
    "customer": "acme",
    "start": "2026-03-01",
    "end": "2026-03-31",
    "state": "held",
    "close_due_at": AT,
    "currency": "USD",
    "subtotal": "1234567.80",
    "marks": 3,
    "asked": True,
    "older_open": True,
    "held": {"id": "exc_1", "detail": "no price", "owner": "finance"},
}
OPEN_ONES = "GET rating/v1/closing/2026-03/statements"


async def test_open_statements_say_what_each_waits_for(upstream: Upstream) -> None:
    more = {"data": [STATEMENT], "has_more": True, "next_cursor": "abc"}
    upstream.say({**told(OPEN), OPEN_ONES: more})
    leader = await upstream.console.signed_in("lee", "leader")
    page = await leader.get("/close/statements?month=2026-03")
    waits = "no price (owner: finance); an earlier period of the contract; 3 days of touched usage; to be priced anew"
    assert waits in page.text and "USD 1,234,567.80" in page.text
    assert "/close/statements?month=2026-03&amp;cursor=abc" in page.text
    upstream.say({**told(OPEN), OPEN_ONES: {**more, "data": [{**STATEMENT, "marks": None}]}})
    beyond = await leader.get("/close/statements?month=2026-03")
    assert "touched usage, if any of it is theirs: too much waits to be counted" in beyond.text
    del upstream.told[OPEN_ONES]
    rest = await leader.get("/close/statements?month=2026-03")
    assert rest.status_code == 200 and "rating cannot be reached" in rest.text and "7 of 8" in rest.text
    upstream.say({**told(CLOSED), OPEN_ONES: {"data": [], "has_more": False, "next_cursor": None}})
    assert "No statement of this month is open." in (await leader.get("/close/statements?month=2026-03")).text


async def test_each_noun_is_a_link_and_each_link_keeps_the_zone(upstream: Upstream) -> None:
    listed = {"data": [STATEMENT], "has_more": True, "next_cursor": "abc"}
    upstream.say({**told(OPEN), OPEN_ONES: listed})
    finance = await upstream.console.signed_in("ana")
    for path, nouns in {
        "/close?": {"/work?owner=integration+engineer&zone=utc", "/work?owner=finance&zone=utc"},
        "/close/statements?": {
            "/customers/acme?zone=utc",
            "/invoices?contract=acme-2026&status=draft&zone=utc",
            "/work/rating/exc_1?zone=utc",
        },
        "/close/suspense?": {"/work?owner=account+executive&zone=utc"},
        f"{ACCEPT.partition('month')[0]}customer=EV&type=call&reason=no_contract&": {
            "/work?owner=account+executive&zone=utc"
        },
    }.items():
        page = await finance.get(f"{path}month=2026-03&zone=utc")
        assert page.status_code == 200, page.text
        within = page.text.partition('<main id="main"')[2].partition("</main>")[0]
        led = {html.unescape(led) for led in re.findall(r'(?:href|action)="(/[^"]*)"', within)}
        plain = {"/views", "/close", "/find"}
        assert led >= nouns and not {one for one in led - plain if "zone=utc" not in one}, path
        assert 'id="zone-3"' in page.text, "which chooses it"


ACCEPT = "/close/accept?month=2026-03&customer=EV&type=call&reason=no_contract"
ACCEPTANCES = "POST billing/v1/reconciliation/acceptances"


async def test_suspense_is_accepted_as_it_was_seen_and_a_stale_form_says_what_waits(
    upstream: Upstream,
) -> None:
    accepted = {
        **LINE,
        "customer": None,
        "subject": "x",
        "acceptance": {"by": "lee", "at": AT, "because": "soon"},
    }
    both = {**OPEN["suspense"], "lines": [LINE, accepted]}
    upstream.say({PATHS["suspense"]: both})
    finance = await upstream.console.signed_in("ana")
    listed = await finance.get("/close/suspense?month=2026-03")
    assert html.escape(ACCEPT) in listed.text and "by lee, 5 Apr 2026 11:00:00 UTC: soon" in listed.text
    page = await finance.get(ACCEPT)
    grown = {**LINE, "events": 1205}
    refused = {"title": "More waits than was seen.", "detail": "1205 events wait", "code": "more_suspended"}
    upstream.say({ACCEPTANCES: (409, refused), PATHS["suspense"]: {**both, "lines": [grown]}})
    stale = await finance.post(ACCEPT, **hidden(page, "accept"), because="contract <b>in May")
    assert stale.status_code == 409 and "More waits than was seen. 1205 events wait" in stale.text
    assert 'value="contract &lt;b&gt;in May"' in stale.text and "1,205" in stale.text
    upstream.say({ACCEPTANCES: {"id": "acc_1"}})
    done = await finance.post(ACCEPT, **hidden(stale, "accept"), because="in May")
    assert (done.status_code, done.headers["location"]) == (
        303,
        "/close/suspense?month=2026-03&accepted=true",
    )
    said = {
        "customer": "EV",
        "type": "call",
        "reason": "no_contract",
        "value": {"JPY": "500", "USD": "1234567.80"},
    }
    assert upstream.sent(ACCEPTANCES) == [
        {**said, "events": 1204, "because": "contract <b>in May"},
        {**said, "events": 1205, "because": "in May"},
    ]
    upstream.say({PATHS["suspense"]: {**both, "lines": []}})
    assert "Nothing of it waits any more." in (await finance.get(ACCEPT)).text
    upstream.say({ACCEPTANCES: (409, {"title": "No usage waits like that.", "detail": ""})})
    gone = await finance.post(ACCEPT, **hidden(stale, "accept"), because="in May")
    assert gone.status_code == 409 and 'role="alert">No usage waits like that.<' in gone.text


async def test_a_leader_looks_on_and_rubbish_is_not_accepted(upstream: Upstream) -> None:
    upstream.say({PATHS["suspense"]: OPEN["suspense"]})
    leader = await upstream.console.signed_in("lee", "leader")
    assert '<form id="accept"' not in (await leader.get(ACCEPT)).text
    assert (await leader.post(ACCEPT, because="x", seen="{}")).status_code == 403
    finance = await upstream.console.signed_in("ana")
    for seen in ("", "[]", "rubbish", "1"):
        answer = await finance.post(ACCEPT, because="x", seen=seen)
        assert answer.status_code == 400 and "nothing was decided" in answer.text, seen
    assert upstream.sent(ACCEPTANCES) == []


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
async def test_hostile_texts_change_nothing_of_a_page(upstream: Upstream, text: str) -> None:
    finance = await upstream.console.signed_in("ana")
    for path in (
        "/close?month=2026-03",
        "/close/statements?month=2026-03",
        "/close/suspense?month=2026-03",
        ACCEPT,
    ):
        pages = []
        for one in ("plain", text.encode(errors="replace").decode()):
            upstream.say(_hostile(one))
            pages.append((await finance.get(path)).text)
        assert outline(pages[0]) == outline(pages[1])
        assert all(led.startswith(("/", "#")) and not led.startswith("//") for led in Read(pages[1]).led)


def _hostile(text: str) -> dict[str, Any]:
    """All that comes from outside is this text."""
    of = copy.deepcopy(OPEN)
    of["numbers"]["series"][0] |= {"first": text, "last": text}
    of["closing"]["barrier"]["records"][0]["service"] = text
    said = {"by": text, "at": AT, "because": text}
    of["suspense"]["lines"] = [{**LINE, "customer": text, "type": text, "acceptance": said}]
    held = {"id": text, "detail": text, "owner": text}
    statement = {**STATEMENT, "contract": text, "customer": text, "held": held}
    return {**told(of), OPEN_ONES: {"data": [statement], "has_more": True, "next_cursor": text}}
