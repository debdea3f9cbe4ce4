"""Usage that waits, as finance sees it in the console: a subject nobody knows becomes an alias and the draft moves;
usage that came too late is decided with a reason that stands in the audit."""

import html
import re
from datetime import UTC, datetime

import msgspec
import pytest

from lab.departures.client import Client
from tests.services.console.conftest import Browser
from tests.services.rating.deployment import terms
from tests.system.console.deployment import Deployment
from tests.system.console.pages import hidden, links
from tests.system.corrections.test_notes import event, invoiced
from tests.waiting import until

#: January's usage is accepted until 20 February.
TWENTY = terms("acme-1", "acme", late_usage={"accept_days": 20})
UNKNOWN = "acme <b>eu</b>"


@pytest.mark.timeout(240)
async def test_waiting_usage_is_told_to_belong_or_decided(deployment: Deployment, client: Client) -> None:
    await invoiced(client, TWENTY)
    finance = await deployment.console.signed_in("ana", "finance")
    leader = await deployment.console.signed_in("lee", "leader")
    await _an_unknown_subject_becomes_an_alias(client, finance, leader)
    await _late_usage_is_decided(client, finance, leader)
    await _every_list_is_a_download_in_the_zone_that_was_chosen(finance)
    await _the_books_are_checked(finance)
    await _a_service_that_is_down_greys_its_own_block(deployment, finance)


async def _an_unknown_subject_becomes_an_alias(client: Client, finance: Browser, leader: Browser) -> None:
    unknown = msgspec.json.decode(event("u1", "2024-02-02T12:00:00Z")) | {"subject": UNKNOWN}
    await client.send_events([msgspec.json.encode(unknown)])

    async def waits() -> list[str]:
        return links(await finance.get("/suspense"), "/suspense/of")

    [opened] = await until(waits, "suspense of the unknown subject")
    page = await finance.get(opened)
    assert UNKNOWN not in page.text and html.escape(UNKNOWN) in page.text
    assert "no customer goes by this subject" in page.text and "Its events of 2024-02" in page.text
    assert '<form id="alias"' not in (await leader.get(opened)).text
    sent = hidden(page, "alias")
    wrong = await finance.post("/suspense/alias", **sent, customer="nobody")
    assert wrong.status_code == 404 and 'value="nobody"' in wrong.text
    assert "there is no customer &#39;nobody&#39;" in wrong.text
    before = await _drafts(client)
    done = await finance.post("/suspense/alias", **hidden(wrong, "alias"), customer="acme")
    assert done.status_code == 303, done.text
    moved = await finance.get(done.headers["location"])
    assert (
        "The subject means that customer now." in moved.text and "Nothing of it waits any more." in moved.text
    )
    shown = [re.sub(r"[A-Z]{3} |,", "", one) for one in re.findall(r">(USD [0-9,.]+)<", moved.text)]
    assert shown == await _drafts(client) != before


async def _drafts(client: Client) -> list[str]:
    return [one["total"] for one in (await client.get("billing", "/v1/invoices", status="draft"))["data"]]


async def _late_usage_is_decided(client: Client, finance: Browser, leader: Browser) -> None:
    assert "Nothing waits." in (await finance.get("/late")).text
    await client.move_clock(datetime(2024, 2, 25, tzinfo=UTC))
    await client.send_events([event("late-1")])

    async def waits() -> list[str]:
        return links(await finance.get("/late"), "/late/")

    [opened] = await until(waits, "late usage")
    page = await finance.get(opened)
    assert opened == "/late/acme-1/2024-01-01" and "USD 2.00" in page.text
    assert '<form id="decide"' not in (await leader.get(opened)).text
    refused = await leader.post(
        opened, **hidden(page, "decide") | {"csrf": leader.csrf}, decision="waive", reason="x"
    )
    assert refused.status_code == 403
    await client.send_events([event("late-2")])

    async def came() -> bool:
        return ">2</dd>" in (await finance.get(opened)).text

    await until(came, "the second late event")
    both = await finance.get(opened)
    decided = {"decision": "waive", "reason": "goodwill <i>"}
    done = await finance.post(opened, **hidden(both, "decide"), **decided)
    assert (done.status_code, done.headers["location"]) == (303, "/late?decided=waive"), done.text
    assert "It is waived, and of no period any more." in (await finance.get("/late?decided=waive")).text
    again = await finance.post(opened, **hidden(page, "decide"), **decided)
    assert again.status_code == 404, "nothing of it is held any more"
    [row] = (await client.get("rating", "/v1/audit", verb="decide_late_usage"))["data"]
    assert row["actor"] == "ana" and row["after"]["reason"] == decided["reason"]


async def _every_list_is_a_download_in_the_zone_that_was_chosen(finance: Browser) -> None:
    finance.cookies["zone"] = "Europe/Berlin"
    month = "/suspense/of?customer=acme&type=call&month=2024-02"
    for path in (
        month,
        "/suspense?",
        "/late?",
        "/reconciliation?",
        "/quarantine?status=any",
        "/customers?",
        "/invoices?",
    ):
        page = await finance.get(f"{path}&zone=mine")
        [csv] = re.findall(r'id="[^"]*-csv"[^>]* href="([^"]+)"', page.text)
        answer = await finance.get(html.unescape(csv))
        assert answer.status_code == 200 and answer.headers["content-type"].startswith("text/csv"), path
        assert "attachment" in answer.headers["content-disposition"], path
        assert "_at" not in answer.text.splitlines()[0] or "(Europe/Berlin)" in answer.text.splitlines()[0], (
            path
        )
        assert " CET<" in page.text and "zone=mine" in csv, path
    del finance.cookies["zone"]


async def _the_books_are_checked(finance: Browser) -> None:
    asked = await finance.post("/reconciliation", **hidden(await finance.get("/reconciliation"), "now"))
    assert asked.status_code == 303, asked.text
    here = asked.headers["location"]

    async def done() -> str | None:
        page = await finance.get(here)
        assert page.status_code == 200, page.text
        return page.text if "Check done" in page.text else None

    async def known() -> bool:
        return "K1–K5 hold" in (await finance.get("/account")).text

    page = await until(done, "the check")
    assert [k for k in ("K1", "K2", "K3", "K4", "K5") if f"{k}: " not in page] == []
    assert page.count(">holds<") == 5 and "No break was found." in page and "hx-trigger" not in page
    assert here in links(await finance.get("/reconciliation"), "/reconciliation/chk_")
    await until(known, "the line on top")
    assert (await finance.get("/reconciliation/chk_0")).status_code == 404


async def _a_service_that_is_down_greys_its_own_block(deployment: Deployment, finance: Browser) -> None:
    deployment.cluster.kill("rating")

    async def grey() -> bool:
        page = await finance.get("/suspense")
        return page.status_code == 200 and "rating cannot be reached" in page.text

    await until(grey, "a page without rating")
    assert 'id="narrow"' in (await finance.get("/suspense")).text, "the rest stands"
