"""Signing in: who may, how often, and what the browser gets."""

import asyncio
import re
from datetime import timedelta
from urllib.parse import urlencode

import pytest

from services.console.people.usecases.hash_password import HASHER, OF_NOBODY, opens
from services.console.people.usecases.manage_people import (
    change_role,
    end_person,
    reset_password,
    sign_out_everywhere,
)
from services.console.people.usecases.note import By
from services.console.sessions.domain.cookie import Cookie, cookie_for
from services.console.sessions.domain.session_id import hash_of
from services.console.sessions.usecases.begin_session import LIFE
from shared.runtime.clock import machine_now
from tests.services.console.conftest import ORIGIN, PASSWORD, Browser, Console, Open


async def account(browser: Browser) -> int:
    return (await browser.get("/account")).status_code


async def test_a_person_signs_in_and_sees_who_they_are(console: Console) -> None:
    await console.add("ana", "finance")
    browser = console.browser()
    asked = await browser.get("/account?x=1")
    assert (asked.status_code, asked.headers["location"]) == (303, "/sign-in?next=%2Faccount%3Fx%3D1")
    assert (await browser.get("/sign-in?next=/account")).status_code == 200
    done = await browser.sign_in("Ana", next="/account")
    assert (done.status_code, done.headers["location"]) == (303, "/account")
    page = await browser.get("/account")
    assert page.status_code == 200 and "finance" in page.text and "billing-operations" in page.text
    [session] = await console.context.db.pool.fetch("select * from console.sessions")
    assert session["expires_at"] - session["begun_at"] == LIFE == timedelta(hours=12)


async def test_the_cookie_is_for_this_host_over_tls_and_plain_only_on_the_own_machine(
    console: Console,
) -> None:
    await console.add("ana", "finance")
    far = console.browser(origin="https://console.example", address="203.0.113.9")
    cookie, _ = (await far.sign_in("ana")).headers.get_list("set-cookie")
    assert re.fullmatch(
        r"__Host-u2c=[A-Za-z0-9_-]{43}; HttpOnly; Max-Age=43200; Path=/; SameSite=lax; Secure", cookie
    )
    near, _ = (await console.browser().sign_in("ana")).headers.get_list("set-cookie")
    assert re.fullmatch(r"u2c-8105=[A-Za-z0-9_-]{43}; HttpOnly; Max-Age=43200; Path=/; SameSite=lax", near)
    open_ = await console.browser(origin="http://console.example").sign_in("ana")
    assert open_.status_code == 403 and "https" in open_.text and "set-cookie" not in open_.headers
    # what is meant for this machine opens nothing over TLS, where another host could have set it
    assert far.cookies["__Host-u2c"] and await account(far) == 200
    far.cookies = {"u2c-8105": far.cookies["__Host-u2c"]}
    assert await account(far) == 303


async def test_two_consoles_of_one_machine_leave_each_other_signed_in(console: Console) -> None:
    first = await console.signed_in("ana")
    second = console.browser(origin="http://127.0.0.1:8205", cookies=first.cookies)
    assert await account(second) == 303
    await second.sign_in("ana")
    assert [await account(browser) for browser in (first, second)] == [200, 200]
    await second.post("/sign-out")
    assert [await account(browser) for browser in (first, second)] == [200, 303]
    assert cookie_for("http", "localhost") == Cookie("u2c-80", False)
    assert cookie_for("http", "[::1]:8105") == Cookie("u2c-8105", False)
    assert cookie_for("http", "127.0.0.1:x") is None


async def test_an_unknown_name_and_a_wrong_password_are_answered_alike(console: Console) -> None:
    await console.add("ana", "finance")
    answers = [
        await console.browser(address=f"10.0.0.{place}").sign_in(name, password)
        for place, (name, password) in enumerate(
            [
                ("ana", "wrong password"),
                ("bea", "wrong password"),
                ("<b>", ""),
                ("", ""),
                ("key_1", "x" * 10_000),
            ]
        )
    ]
    assert {answer.status_code for answer in answers} == {401}
    pages = [re.sub(r'value="[^"]*" autocomplete="username"', "", answer.text) for answer in answers]
    assert len(set(pages)) == 1 and "No person of this name has this password" in pages[0]
    assert 'value="ana" autocomplete="username"' in answers[0].text, "what was typed stays, but the password"
    assert "wrong password" not in answers[0].text


def test_a_name_that_nobody_has_takes_as_long_to_refuse() -> None:
    assert not HASHER.check_needs_rehash(OF_NOBODY)
    assert not opens(None, PASSWORD) and not opens("no hash", PASSWORD)
    assert opens(HASHER.hash(PASSWORD), PASSWORD)


async def test_five_tries_a_minute_by_name_and_by_address(console: Console) -> None:
    await console.add("ana", "finance")
    for place in range(5):
        assert (await console.browser(address=f"10.0.0.{place}").sign_in("ana", "wrong")).status_code == 401
    refused = await console.browser(address="10.0.1.1").sign_in("ana")
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "60")
    assert "try again in a minute" in refused.text
    for place in range(5):
        answer = await console.browser(address="10.0.2.2").sign_in(f"nobody-{place}", "wrong")
        assert answer.status_code == 401
    assert (await console.browser(address="10.0.2.2").sign_in("somebody", "wrong")).status_code == 429
    await console.context.db.pool.execute("update console.tries set at = at - interval '61 seconds'")
    assert (await console.browser(address="10.0.2.2").sign_in("ana")).status_code == 303
    assert await console.context.db.pool.fetchval("select count(*) from console.tries") == 0, (
        "what was right counts no more, and what is past is forgotten"
    )


async def test_many_tries_at_once_are_five(console: Console) -> None:
    browsers = [console.browser(address=f"10.0.0.{place}") for place in range(12)]
    answers = await asyncio.gather(*(browser.sign_in("ana", "wrong") for browser in browsers))
    assert sorted(answer.status_code for answer in answers) == [401] * 5 + [429] * 7


async def test_a_planted_session_is_not_taken_over(console: Console) -> None:
    thief = await console.signed_in("eve", "engineer")
    planted = thief.cookies["u2c-8105"]
    await console.add("ana", "finance")
    browser = console.browser(cookies={"u2c-8105": planted})
    await browser.sign_in("ana")
    assert browser.cookies["u2c-8105"] != planted
    assert await account(thief) == 303, "the planted one has ended"
    made_up = console.browser(cookies={"u2c-8105": "A" * 43})
    await made_up.sign_in("ana")
    assert made_up.cookies["u2c-8105"] != "A" * 43
    assert await account(console.browser(cookies={"u2c-8105": "A" * 43})) == 303


async def test_each_signing_in_has_a_session_of_its_own_and_only_its_hash_is_stored(console: Console) -> None:
    first = await console.signed_in("ana")
    second = console.browser()
    await second.sign_in("ana")
    ids = {first.cookies["u2c-8105"], second.cookies["u2c-8105"]}
    stored = {row["id_hash"] for row in await console.context.db.pool.fetch("select * from console.sessions")}
    assert len(ids) == 2 and stored == {hash_of(one) for one in ids}


async def test_signing_out_ends_the_session_and_the_forms_of_it(console: Console) -> None:
    browser = await console.signed_in("ana")
    kept, csrf = dict(browser.cookies), browser.csrf
    done = await browser.post("/sign-out")
    assert (done.status_code, done.headers["location"]) == (303, "/sign-in")
    assert browser.cookies.keys() == {"u2c-8105-known"}
    stolen = console.browser(cookies=kept, csrf=csrf)
    assert await account(stolen) == 303
    assert (await stolen.post("/sign-out-everywhere")).status_code == 401


async def test_all_sessions_end_at_once_by_the_person_or_an_administrator(console: Console) -> None:
    first = await console.signed_in("ana")
    second = console.browser()
    await second.sign_in("ana")
    other = await console.signed_in("bea")
    assert (await second.post("/sign-out-everywhere")).status_code == 303
    assert [await account(browser) for browser in (first, second, other)] == [303, 303, 200]
    async with console.context.db.transaction() as uow:
        assert await sign_out_everywhere(uow, By(), "bea") == 1
    assert await account(other) == 303


@pytest.mark.parametrize("change", ["role", "password", "end"])
async def test_a_change_of_role_or_password_ends_what_is_open(console: Console, change: str) -> None:
    browser = await console.signed_in("ana")
    before = browser.cookies["u2c-8105"]
    async with console.context.db.transaction() as uow:
        if change == "role":
            assert await change_role(uow, By(), "ana", "leader") == 1
        elif change == "password":
            assert await reset_password(uow, By(), "ana", HASHER.hash("another password")) == 1
        else:
            assert await end_person(uow, By(), "ana", machine_now()) == 1
    assert await account(browser) == 303
    again = await browser.sign_in("ana", PASSWORD if change == "role" else "another password")
    assert again.status_code == (401 if change == "end" else 303)
    if change == "role":
        assert browser.cookies["u2c-8105"] != before and "leader" in (await browser.get("/account")).text


async def test_a_session_ends_after_twelve_hours(console: Console) -> None:
    browser = await console.signed_in("ana")
    await console.context.db.pool.execute(
        "update console.sessions set expires_at = expires_at - interval '12 hours'"
    )
    assert await account(browser) == 303


async def test_a_session_outlives_a_restart(opened: Open) -> None:
    async with opened() as console:
        browser = await console.signed_in("ana")
    async with opened() as console:
        browser.app = console.app
        assert await account(browser) == 200


@pytest.mark.parametrize(
    ("asked", "gone_to"),
    [
        ("/account?a=1", "/account?a=1"),
        ("//evil.example", "/"),
        ("https://evil.example/", "/"),
        ("/\\evil.example", "/"),
        ("javascript:alert(1)", "/"),
        ("/a\r\nSet-Cookie: x=1", "/"),
        ("", "/"),
    ],
)
async def test_next_leads_nowhere_else(console: Console, asked: str, gone_to: str) -> None:
    await console.add("ana", "finance")
    browser = console.browser()
    form = await browser.get(f"/sign-in?{urlencode({'next': asked})}")
    assert form.status_code == 200 and f'name="next" value="{gone_to}"' in form.text
    done = await browser.sign_in("ana", next=asked)
    assert (done.status_code, done.headers["location"]) == (303, gone_to)


async def test_the_demo_offers_its_roles_only_on_its_own_machine(opened: Open) -> None:
    async with opened(demo="true") as console:
        near = console.browser()
        page = await near.get("/sign-in?next=/account")
        assert page.text.count('action="/sign-in/demo"') == 4 and 'value="admin"' not in page.text
        done = await near.post("/sign-in/demo", role="customer-success", next="/account")
        assert (done.status_code, done.headers["location"]) == (303, "/account")
        assert "demo-customer-success" in (await near.get("/account")).text
        assert (await near.post("/sign-in/demo", role="admin")).status_code == 404
        for far in (
            console.browser(address="203.0.113.9"),
            console.browser(origin="https://console.example"),
            console.browser(origin="http://rebound.example:8105"),
        ):
            assert "/sign-in/demo" not in (await far.get("/sign-in")).text
            assert (await far.post("/sign-in/demo", role="finance")).status_code == 404
    async with opened(demo="false") as console:
        assert "/sign-in/demo" not in (await console.browser().get("/sign-in")).text
        refused = await console.browser().post("/sign-in/demo", role="finance")
        assert refused.status_code == 404 and "set-cookie" not in refused.headers
        left = await console.browser().sign_in("demo-finance", "")
        assert left.status_code == 401, "no password opens the demo's people"


async def test_signing_in_is_audited_without_what_opens_anything(console: Console) -> None:
    browser = await console.signed_in("ana")
    session = browser.cookies["u2c-8105"]
    await browser.post("/sign-out")
    rows = await console.context.db.pool.fetch("select * from console.audit order by audit_id")
    assert [(row["verb"], row["actor"], row["object_id"]) for row in rows] == [
        ("add_person", "command line", "ana"),
        ("sign_in", "ana", "ana"),
        ("sign_out", "ana", "ana"),
    ]
    told = " ".join(str(dict(row)) for row in rows)
    assert not [secret for secret in (PASSWORD, session, "argon2", browser.csrf) if secret in told]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:9999"},
        {"Origin": ORIGIN, "Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "https://evil.example", "Sec-Fetch-Site": "same-origin"},
        {"Origin": "http://[half"},
    ],
)
async def test_a_form_of_another_site_is_refused(console: Console, headers: dict[str, str]) -> None:
    browser = await console.signed_in("ana")
    foreign = await browser.send("/sign-out", headers)
    assert foreign.status_code == 403 and "nothing was done" in foreign.text
    assert await account(browser) == 200
    assert (
        await console.browser().send("/sign-in", headers, name="ana", password=PASSWORD)
    ).status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": ORIGIN},
        {"Sec-Fetch-Site": "same-origin"},
        {"Origin": "null", "Sec-Fetch-Site": "same-origin"},
    ],
)
async def test_a_form_of_an_own_page_is_taken_from_any_browser(
    console: Console, headers: dict[str, str]
) -> None:
    browser = await console.signed_in("ana")
    assert (await browser.send("/sign-out", headers)).status_code == 303


async def test_a_form_without_the_sessions_token_is_refused(console: Console) -> None:
    ana, bea = await console.signed_in("ana"), await console.signed_in("bea")
    for token in ("", bea.csrf, ana.cookies["u2c-8105"], "ü"):
        refused = await ana.post("/sign-out", csrf=token)
        assert refused.status_code == 403 and "signed in anew" in refused.text
    assert await account(ana) == 200
