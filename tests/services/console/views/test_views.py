"""Filters that a person saves: theirs alone until they share them, bounded, and whatever they are called."""

import asyncio
import html
import re
from collections.abc import AsyncIterator

import httpx2
import pytest

from services.console.domain.views import FIELDS_MAX, QUERY_CHARACTERS_MAX, View, filters_in
from services.console.views.usecases import SHARED_MAX, VIEWS_MAX
from tests.services.console.conftest import Browser, Console
from tests.services.console.frame.test_hostile import outline
from tests.services.console.hostile import HOSTILE

#: What can be sent by a form, and has nothing that nobody can see.
NAMES = {what: text for what, text in HOSTILE.items() if text.isprintable() and len(text) <= 60}
FILTERS = "q=&customer=acme&status=draft&cursor=abc&zone=utc&done=hold"
KEPT = "customer=acme&status=draft"


@pytest.fixture
async def ana(console: Console) -> AsyncIterator[Browser]:
    """Of finance. No service answers: lists are there without their rows."""
    yield await console.signed_in("ana", "finance")
    await asyncio.gather(*(one.answer for one in console.context.asked.values()))


def offered(page: httpx2.Response) -> dict[str, str]:
    """What is saved → where it leads, as a list offers it."""
    found = re.findall(r'<a id="view-\d+" href="([^"]+)"[^>]*>([^<]*)</a>', page.text)
    return {html.unescape(name): html.unescape(href) for href, name in found}


def sent(page: httpx2.Response, form: str) -> dict[str, str]:
    [body] = re.findall(rf'<form id="{form}".*?</form>', page.text, re.DOTALL)
    found = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', body)
    return {name: html.unescape(value) for name, value in found}


async def save(browser: Browser, name: str, query: str = FILTERS, **more: str) -> httpx2.Response:
    form = sent(await browser.get(f"/invoices?{query}"), "save-view")
    return await browser.post("/views", **{**form, "name": name, **more})


async def view_of(browser: Browser, name: str) -> str:
    """The address where a view of theirs is changed."""
    page = await browser.get("/views")
    [found] = re.findall(rf'href="(/views/vie_[A-Za-z0-9]+)"[^>]*>{re.escape(html.escape(name))}<', page.text)
    return str(found)


def test_a_view_keeps_what_narrows_and_nothing_of_the_moment() -> None:
    assert filters_in(FILTERS) == filters_in("status=draft&customer=acme") == KEPT
    assert filters_in("zone=utc&cursor=x") == ""
    view = View("vie_1", "/invoices", KEPT, "x", "ana", False)
    assert view.at({"zone": "utc"}) == "/invoices?customer=acme&status=draft&zone=utc"
    with pytest.raises(ValueError, match="fields"):
        filters_in("&".join(f"a{number}=1" for number in range(FIELDS_MAX + 1)))


async def test_what_is_saved_stands_above_its_list_until_it_is_removed(
    console: Console, ana: Browser
) -> None:
    assert '<form id="save-view"' not in (await ana.get("/invoices")).text, "nothing is narrowed"
    done = await save(ana, "  My drafts ")
    assert (done.status_code, done.headers["location"]) == (303, f"/invoices?{KEPT}"), done.text
    page = await ana.get("/invoices?status=draft&customer=acme")
    assert (
        offered(page) == {"My drafts": f"/invoices?{KEPT}"} and 'aria-current="true">My drafts<' in page.text
    )
    assert offered(await ana.get("/invoices?zone=utc")) == {"My drafts": f"/invoices?{KEPT}&zone=utc"}
    assert offered(await ana.get("/suspense")) == {}
    await save(ana, "My drafts", "status=finalized")
    assert offered(await ana.get("/invoices")) == {"My drafts": "/invoices?status=finalized"}
    view = await view_of(ana, "My drafts")
    gone = await ana.post(f"{view}/remove", **sent(await ana.get(view), "remove"))
    assert gone.headers["location"] == "/views?done=remove"
    assert "Views that you save appear here" in (await ana.get("/views?done=remove")).text
    assert offered(await ana.get("/invoices")) == {}
    rows = await console.context.db.pool.fetch(
        "select actor, verb, object_id, before, after from console.audit where object = 'view' order by at"
    )
    assert [(row["actor"], row["verb"]) for row in rows] == [
        ("ana", "save_view"),
        ("ana", "save_view"),
        ("ana", "remove_view"),
    ]
    assert len({row["object_id"] for row in rows}) == 1
    assert rows[1]["before"]["query"] == KEPT and rows[1]["after"]["query"] == "status=finalized"


@pytest.mark.parametrize(
    ("page", "query"),
    [
        ("/close", "month=2013-12"),
        ("/work", "owner=finance&state=overdue"),
        ("/suspense", "subject=x"),
        ("/customers", "at_risk=true"),
        ("/quarantine", "status=open"),
    ],
)
async def test_each_list_has_its_views(ana: Browser, page: str, query: str) -> None:
    form = sent(await ana.get(f"{page}?{query}&zone=utc"), "save-view")
    done = await ana.post("/views", **{**form, "name": "Mine"})
    assert (done.status_code, done.headers["location"]) == (303, f"{page}?{query}"), done.text
    assert offered(await ana.get(f"{page}?zone=utc")) == {"Mine": f"{page}?{query}&zone=utc"}
    assert 'aria-current="true">Mine<' in (await ana.get(f"{page}?{query}")).text


async def test_what_is_shared_is_seen_by_whoever_may_open_the_page_and_changed_by_its_owner_alone(
    console: Console, ana: Browser
) -> None:
    bob = await console.signed_in("bob", "leader")
    success = await console.signed_in("cs", "customer-success")
    await save(ana, "Mine")
    view = await view_of(ana, "Mine")
    assert offered(await bob.get("/invoices")) == {}
    shared = await ana.post(f"{view}/share", **sent(await ana.get(view), "share"))
    assert "All who may open the page see it there now." in (await ana.get(shared.headers["location"])).text
    assert offered(await bob.get("/invoices")) == {"Mine (of ana)": f"/invoices?{KEPT}"}
    for act in ("share", "unshare", "remove"):
        refused = await bob.post(f"{view}/{act}")
        assert refused.status_code == 404 and "somebody else" in refused.text, act
    assert (await bob.get(view)).status_code == 404
    await save(ana, "Ours", **{"for": "all"})
    assert [*offered(await bob.get("/invoices"))] == ["Mine (of ana)", "Ours (of ana)"]
    await ana.post(f"{view}/unshare")
    assert [*offered(await bob.get("/invoices"))] == ["Ours (of ana)"]
    form = {"page": "/suspense", "query": "subject=x", "name": "S", "for": "all"}
    assert (await ana.post("/views", **form)).status_code == 303
    assert (await success.get("/suspense")).status_code == 403
    refused = await success.post("/views", **form)
    assert refused.status_code == 404 and "There is no list here" in refused.text


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
async def test_whatever_it_is_called_it_is_a_text(console: Console, ana: Browser, name: str) -> None:
    await save(ana, "plain")
    plain = await ana.get("/invoices"), await ana.get("/views"), await ana.get(await view_of(ana, "plain"))
    view = await view_of(ana, "plain")
    await ana.post(f"{view}/remove")
    assert (await save(ana, name)).status_code == 303
    assert offered(await ana.get("/invoices")) == {name.strip(): f"/invoices?{KEPT}"}
    found = re.findall(r'href="(/views/vie_[A-Za-z0-9]+)"', (await ana.get("/views")).text)[0]
    pages = await ana.get("/invoices"), await ana.get("/views"), await ana.get(found)
    for page, like in zip(pages, plain, strict=True):
        assert outline(page.text) == outline(like.text)


@pytest.mark.parametrize(
    ("name", "query", "said"),
    [
        ("", FILTERS, "`name` is"),
        ("x" * 61, FILTERS, "at most 60"),
        ("a\u202eb", FILTERS, "which nobody can see"),
        ("x", "zone=utc", "open the list with filters"),
        ("x", "q=" + "a" * QUERY_CHARACTERS_MAX, "open the list with filters"),
        ("x", "&".join(f"a{number}=1" for number in range(FIELDS_MAX + 1)), "too many filters"),
    ],
)
async def test_what_cannot_be_saved_says_why_and_is_still_in_the_form(
    ana: Browser, name: str, query: str, said: str
) -> None:
    refused = await ana.post("/views", page="/invoices", query=query, name=name)
    assert refused.status_code == 422 and said in html.unescape(refused.text)
    assert sent(refused, "save-view")["query"] == query
    for page in ("/account", "/nowhere", "//elsewhere.example"):
        assert (await ana.post("/views", page=page, query=KEPT, name="x")).status_code == 404, page


async def test_there_are_no_more_than_can_be_read(console: Console, ana: Browser) -> None:
    async with console.context.db.transaction() as uow:
        await uow.connection.execute(
            """insert into console.views select 'vie_' || n, 'ana', '/invoices', 'name ' || n, 'q=' || n, true, now()
               from generate_series(1, $1) n""",
            VIEWS_MAX,
        )
    full = await save(ana, "one more")
    assert full.status_code == 409 and f"you have {VIEWS_MAX}" in full.text
    assert (await save(ana, "name 1")).status_code == 303, "one that is replaced is no more"
    bob = await console.signed_in("bob", "finance")
    assert VIEWS_MAX >= SHARED_MAX
    refused = await save(bob, "shared too", **{"for": "all"})
    assert refused.status_code == 303, "ana keeps that one to herself now"
    refused = await save(bob, "another", **{"for": "all"})
    assert refused.status_code == 409 and f"{SHARED_MAX} are shared on /invoices" in refused.text
    assert len(offered(await bob.get("/invoices"))) == SHARED_MAX


async def test_two_windows_of_one_person_keep_one_view_of_a_name(ana: Browser) -> None:
    answers = await asyncio.gather(*(save(ana, "Twice", f"q={number}") for number in range(4)))
    assert {answer.status_code for answer in answers} == {303}
    assert len(offered(await ana.get("/invoices"))) == 1
