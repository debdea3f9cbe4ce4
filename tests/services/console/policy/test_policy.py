"""When a draft waits for an approval: the policy is shown and set, and who comes second is told."""

from typing import Any

import pytest

from tests.services.console.conftest import Upstream
from tests.services.console.frame.test_hostile import Read, outline
from tests.services.console.hostile import HOSTILE
from tests.system.console.pages import hidden

AT = "2026-04-05T11:00:00Z"
VERSIONS, SET = "GET billing/v1/review-policy/versions", "PUT billing/v1/review-policy"
IN_FORCE: dict[str, Any] = {
    "version": 2,
    "above": {"USD": "10000.00"},
    "changed_percent": "30",
    "reason": "audit",
    "set_by": "lee",
    "set_at": AT,
}


def versions(*found: dict[str, Any], more: bool = False) -> dict[str, Any]:
    return {VERSIONS: {"data": list(found), "has_more": more, "next_cursor": "x" if more else None}}


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        (
            {},
            "waits for an approval above USD 10,000.00, or where its total changed by more than 30 %; lee asks",
        ),
        ({"changed_percent": None}, "waits for an approval above USD 10,000.00; lee asks"),
        ({"above": {}}, "waits for an approval where its total changed by more than 30 %; lee asks"),
        ({"above": {}, "changed_percent": None}, "No draft waits for an approval."),
    ],
)
async def test_the_policy_is_said_in_words(upstream: Upstream, changes: dict[str, Any], says: str) -> None:
    upstream.say(versions({**IN_FORCE, **changes}, more=True))
    page = await (await upstream.console.signed_in("ana")).get("/close/policy")
    assert says in page.text and "the newest 1 shown" in page.text


async def test_without_billing_the_page_says_so(upstream: Upstream) -> None:
    page = await (await upstream.console.signed_in("ana")).get("/close/policy")
    assert page.status_code == 503 and "billing cannot be reached" in page.text


async def test_the_policy_is_set_and_who_comes_second_is_told(upstream: Upstream) -> None:
    upstream.say(versions())
    leader = await upstream.console.signed_in("lee", "leader")
    first = await leader.get("/close/policy")
    assert "Nobody has set a policy" in first.text and hidden(first, "set")["replaces"] == "0"
    typed = {"above": "USD 10000.00\r\n\r\n JPY  5 ", "changed_percent": " 30 ", "reason": "<audit>"}
    upstream.say(
        {SET: (409, {"title": "Another version came first.", "detail": "version 2 is in force, set by ana"})}
    )
    upstream.say(versions({**IN_FORCE, "set_by": "ana"}))
    stale = await leader.post("/close/policy", **hidden(first, "set"), **typed)
    assert stale.status_code == 409 and "version 2 is in force, set by ana" in stale.text
    assert "ana asks for it." in stale.text and "&lt;audit&gt;" in stale.text and "JPY  5" in stale.text
    assert hidden(stale, "set")["replaces"] == "2"
    upstream.say({SET: IN_FORCE})
    done = await leader.post("/close/policy", **hidden(stale, "set"), **typed)
    assert (done.status_code, done.headers["location"]) == (303, "/close/policy?done=true")
    asked = {"above": {"USD": "10000.00", "JPY": "5"}, "changed_percent": "30", "reason": "<audit>"}
    assert upstream.sent(SET) == [{**asked, "replaces": 0}, {**asked, "replaces": 2}]
    for above in ("USD", "USD 1\nUSD 2", "USD 1 2"):
        answer = await leader.post("/close/policy", **hidden(stale, "set"), above=above, reason="x")
        assert answer.status_code == 422 and "write such as USD 10000.00" in answer.text, above
    assert len(upstream.sent(SET)) == 2


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
async def test_hostile_texts_change_nothing_of_a_page(upstream: Upstream, text: str) -> None:
    finance = await upstream.console.signed_in("ana")
    pages = []
    for one in ("plain", text.encode(errors="replace").decode()):
        upstream.say(versions({**IN_FORCE, "set_by": one, "reason": one}))
        pages.append((await finance.get("/close/policy")).text)
    assert outline(pages[0]) == outline(pages[1])
    assert all(led.startswith(("/", "#")) and not led.startswith("//") for led in Read(pages[1]).led)
