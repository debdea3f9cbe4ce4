"""Whether single letters are keys (WCAG 2.1.4): kept with the person, on whatever browser they sign in."""

import re

from tests.services.console.conftest import Browser, Console


async def has_letters(browser: Browser) -> bool:
    page = await browser.get("/account")
    assert page.status_code == 200
    return re.search(r'<header id="top" data-letters>', page.text) is not None


async def test_letters_are_switched_off_for_a_person_and_on_again(console: Console) -> None:
    first, other = await console.signed_in("ana"), await console.signed_in("bob")
    second = console.browser()
    await second.sign_in("ana")
    assert await has_letters(first)
    for keys in ("off", "off", "on"):
        done = await first.post("/account/letters", keys=keys)
        assert (done.status_code, done.headers["location"]) == (303, f"/account?done={keys}")
        assert f"Keys of one letter are {keys}." in (await first.get(f"/account?done={keys}")).text
        assert await has_letters(first) is await has_letters(second) is (keys == "on")
        assert await has_letters(other)
    rows = await console.context.db.pool.fetch(
        "select actor, object_id, after from console.audit where verb = 'switch_letters' order by at"
    )
    assert [(row["actor"], row["object_id"], row["after"]) for row in rows] == [
        ("ana", "ana", {"has_letters": False}),
        ("ana", "ana", {"has_letters": True}),
    ]


async def test_what_is_no_switch_is_refused(console: Console) -> None:
    ana = await console.signed_in("ana")
    assert (await ana.post("/account/letters", keys="maybe")).status_code == 422
    assert (await ana.post("/account/letters")).status_code == 422
    assert await has_letters(ana)
