"""What waits for people in any service: overdue first, narrowed by the address, worked on as it was seen."""

import re
from typing import Any

import pytest

from services.console.domain.roles import ROLES
from services.console.upstream.domain.told import Told
from services.console.work.domain.cases import SCOPES, WORKS, may_work, together
from tests.services.console.conftest import Upstream
from tests.services.console.frame.test_hostile import Read, outline
from tests.services.console.hostile import HOSTILE
from tests.system.console.pages import hidden

HOSTS = ("ingest", "rating", "billing", "signals")
#: By the clock of these tests it is noon of the 5th.
OVERDUE, LATER = "2026-04-05T11:00:00Z", "2026-04-07T11:00:00Z"


def case(name: str, **more: Any) -> dict[str, Any]:
    return {
        "id": f"exc_{name}",
        "kind": "pricing_failed",
        "reference": f"{name}:2026-03-01",
        "detail": "no price; add one",
        "owner": "finance",
        "opened_at": "2026-04-02T11:00:00Z",
        "deadline_at": LATER,
        "price": {"currency": "USD", "amount": "1234567.80"},
        "resolved_at": None,
        "resolves": "by_itself",
        **more,
    }


def listed(*cases: dict[str, Any], cursor: str | None = None) -> dict[str, Any]:
    return {"data": list(cases), "has_more": cursor is not None, "next_cursor": cursor}


def all_of(**of: dict[str, Any]) -> dict[str, Any]:
    return {f"GET {host}/v1/exceptions": of.get(host, listed()) for host in HOSTS}


def test_what_is_most_overdue_comes_first_whoever_tells_it_and_of_the_resolved_the_last() -> None:
    told = {
        "rating": Told(listed(case("b", deadline_at="2026-04-05T11:00:00.5Z"), case("d"))),
        "billing": Told(listed(case("a", deadline_at=OVERDUE), case("c"))),
    }
    found = together(told, "open")  # type: ignore[arg-type]
    assert [one.said["id"] for one in found] == ["exc_a", "exc_b", "exc_c", "exc_d"]
    assert [one.said["id"] for one in together(told, "resolved")] == ["exc_d", "exc_c", "exc_b", "exc_a"]  # type: ignore[arg-type]


def test_who_works_where_is_who_has_the_scope() -> None:
    where = {role: {service for service in SCOPES if may_work(role, service)} for role in ROLES}
    assert where == {
        "finance": {"rating", "billing"},
        "customer-success": {"signals"},
        "engineer": {"usage_ingest", "rating"},
        "leader": {"billing"},
        "admin": set(),
    }
    assert set(WORKS) == set(ROLES) - {"admin"}


@pytest.mark.parametrize("role", ROLES)
async def test_everybody_sees_all_with_its_worth_and_who_looks_after_it(
    upstream: Upstream, role: Any
) -> None:
    late = case("a", deadline_at=OVERDUE, assignee="bo")
    upstream.say(all_of(billing=listed(late, cursor="x"), signals=listed(case("b", price=None))))
    page = await (await upstream.console.signed_in("ana", role)).get("/work")
    assert page.status_code == 200, page.text
    ids = re.findall(r'href="/work/(\w+)/(\w+)"', page.text)
    assert ids == [("billing", "exc_a"), ("signals", "exc_b")]
    for said in (">USD 1,234,567.80<", ">not known<", ", overdue</span>", ">bo<", "no price; add one"):
        assert said in page.text, said
    assert page.text.count(", overdue") == 1 and "billing: only the first are shown" in page.text
    upstream.say(all_of())
    empty = await upstream.console.browser().get("/work")
    assert empty.status_code == 303, "nobody else"


async def test_filters_go_to_the_services_and_one_of_them_is_paged(upstream: Upstream) -> None:
    upstream.say(all_of(rating=listed(case("a"), cursor="abc")))
    finance = await upstream.console.signed_in("ana")
    page = await finance.get("/work?service=rating&owner=finance&state=overdue&zone=utc")
    assert "/work?service=rating&amp;owner=finance&amp;state=overdue&amp;zone=utc&amp;cursor=abc" in page.text
    assert [to for to, _ in upstream.asked if to.endswith("/v1/exceptions")] == ["GET rating/v1/exceptions"]
    assert "Nothing waits for anybody." in (await finance.get("/work?service=signals&state=resolved")).text
    for wrong in ("service=nobody", "state=lost", "x=1"):
        answer = await finance.get(f"/work?{wrong}")
        assert 400 <= answer.status_code < 500 and "<h1>" in answer.text, wrong


async def test_a_service_that_is_down_leaves_the_exceptions_of_the_others(upstream: Upstream) -> None:
    upstream.say(all_of(rating=listed(case("a"))))
    del upstream.told["GET billing/v1/exceptions"]
    page = await (await upstream.console.signed_in("ana")).get("/work")
    assert page.status_code == 200 and "billing cannot be reached" in page.text and "exc_a" in page.text


ONE = "rating/v1/exceptions/exc_a"
NOTED = {"at": OVERDUE, "by": "bo", "act": "noted", "assignee": None, "note": "they know"}
TAKEN = {"at": OVERDUE, "by": "cy", "act": "assigned", "assignee": "cy", "note": None}


async def test_it_is_worked_on_as_it_was_seen(upstream: Upstream) -> None:
    upstream.say({f"GET {ONE}": case("a", acts=[NOTED], resolves="by_person", deadline_at=OVERDUE)})
    upstream.tags[f"GET {ONE}"] = 'W/"1"'
    finance = await upstream.console.signed_in("ana")
    page = await finance.get("/work/rating/exc_a")
    assert "bo noted: they know" in page.text and 'class="bad">overdue<' in page.text
    assert 'name="to" type="text" value="ana"' in page.text and 'href="/find?q=a"' in page.text
    for act, fields, sent in (
        ("assign", {"to": " bo "}, {"to": "bo"}),
        ("assign", {"to": ""}, {"to": None}),
        ("note", {"note": "called"}, {"note": "called"}),
        ("resolve", {"note": "mended"}, {"note": "mended"}),
    ):
        upstream.say({f"POST {ONE}/{act}": {}})
        done = await finance.post(f"/work/rating/exc_a/{act}", **hidden(page, act), **fields)
        assert (done.status_code, done.headers["location"]) == (303, f"/work/rating/exc_a?done={act}"), (
            done.text
        )
        assert upstream.sent(f"POST {ONE}/{act}")[-1] == sent
    assert [tag for _, tag in upstream.matched] == ['W/"1"', 'W/"1"', None, 'W/"1"'], "a note undoes nothing"


async def test_who_comes_second_is_told_what_was_done_and_keeps_what_they_typed(upstream: Upstream) -> None:
    upstream.say({f"GET {ONE}": case("a", acts=[NOTED])})
    finance = await upstream.console.signed_in("ana")
    page = await finance.get("/work/rating/exc_a")
    assert '<form id="resolve"' not in page.text and "not yet: by itself" in page.text
    changed = {"title": "It is not what was read any more.", "detail": "read it again"}
    upstream.say(
        {f"POST {ONE}/assign": (412, changed), f"GET {ONE}": case("a", acts=[NOTED, TAKEN], assignee="cy")}
    )
    stale = await finance.post("/work/rating/exc_a/assign", **hidden(page, "assign"), to="<b>")
    assert stale.status_code == 409 and "Since you looked: cy assigned it to cy." in stale.text
    assert 'value="&lt;b&gt;"' in stale.text and "It is not what was read any more." in stale.text
    for acts in ("", "-1", "x", "9" * 5000):
        again = await finance.post(
            "/work/rating/exc_a/assign", **{**hidden(page, "assign"), "acts": acts}, to="x"
        )
        assert again.status_code == 409 and "Since you looked" not in again.text, acts


async def test_a_form_is_for_who_may_and_the_service_has_the_last_word(upstream: Upstream) -> None:
    upstream.say({f"GET {ONE}": case("a", acts=[])})
    refused = {"title": "This key may not do that.", "detail": "it lacks contracts:write"}
    upstream.say({f"POST {ONE}/note": (403, refused)})
    leader = await upstream.console.signed_in("lee", "leader")
    assert '<form id="note"' not in (await leader.get("/work/rating/exc_a")).text
    answer = await leader.post("/work/rating/exc_a/note", note="x")
    assert answer.status_code == 403 and "This key may not do that." in answer.text
    upstream.say({f"GET {ONE}": case("a", acts=[], resolved_at=OVERDUE)})
    upstream.say({f"POST {ONE}/note": (409, {"title": "It is resolved.", "detail": "since then"})})
    finance = await upstream.console.signed_in("ana")
    assert '<form id="note"' not in (await finance.get("/work/rating/exc_a")).text
    late = await finance.post("/work/rating/exc_a/note", note="typed <i>")
    assert late.status_code == 409 and "It is resolved. since then" in late.text
    assert "typed &lt;i&gt;" in late.text and '<form id="assign"' not in late.text
    assert (await finance.get("/work/nobody/exc_a")).status_code == 404
    upstream.say({f"GET {ONE}": (404, {"title": "There is no such exception.", "detail": ""})})
    assert (await finance.get("/work/rating/exc_a")).status_code == 404


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
async def test_hostile_texts_change_nothing_of_a_page(upstream: Upstream, text: str) -> None:
    finance = await upstream.console.signed_in("ana")
    for path in ("/work?service=rating", "/work/rating/exc_a"):
        pages = []
        for one in ("plain", text.encode(errors="replace").decode()):
            upstream.say(_hostile(one))
            pages.append((await finance.get(path)).text)
        assert outline(pages[0]) == outline(pages[1])
        assert all(led.startswith(("/", "#")) and not led.startswith("//") for led in Read(pages[1]).led)


def _hostile(text: str) -> dict[str, Any]:
    act = {**NOTED, "by": text, "note": text}
    said = case("a", reference=text, detail=text, owner=text, assignee=text, kind=text, acts=[act])
    return {"GET rating/v1/exceptions": listed(said, cursor=text), f"GET {ONE}": said}


@pytest.mark.parametrize("version", ["x\r\nHost: elsewhere", "ü", '"open', 'W/"' + "x" * 300 + '"'])
async def test_a_version_that_is_none_goes_nowhere(upstream: Upstream, version: str) -> None:
    finance = await upstream.console.signed_in("ana")
    upstream.asked.clear()
    refused = await finance.post("/work/billing/exc_a/assign", to="b <o", version=version)
    assert refused.status_code == 400 and "nothing was decided" in refused.text, refused.text
    assert "b &lt;o" in refused.text and not [to for to, _ in upstream.asked if to.startswith("POST")]
