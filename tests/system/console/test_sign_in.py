"""Signing in and out in a real browser, by keys alone."""

from collections.abc import Iterator
from urllib.parse import urlsplit

import asyncpg
import pytest
from playwright.async_api import Browser, expect

from services.console.main import build
from services.console.people.usecases.hash_password import hash_of
from tests.conftest import TestDatabase, in_thread
from tests.needs import NEEDS_BROWSER
from tests.services.console.conftest import PASSWORD, configure
from tests.system.console.browser import SCHEMES, Window, window
from tests.system.console.conftest import served

pytestmark = [NEEDS_BROWSER, pytest.mark.asyncio(loop_scope="session")]


@pytest.fixture
def console(database: TestDatabase, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a console with one person, ana; a demo, so that its buttons are there too."""
    configure(database, monkeypatch, demo="true")

    async def add() -> None:
        connection = await asyncpg.connect(database.admin_url)
        await connection.execute(
            "insert into console.people (name, role, password_hash, added_at) values ('ana', 'leader', $1, now())",
            hash_of(PASSWORD),
        )
        await connection.close()

    in_thread(add())
    with served(build()) as base:
        yield base


async def type_in(on: Window, name: str, password: str) -> None:
    await on.page.locator("#sign-in-name").focus()
    await on.page.keyboard.type(name)
    await on.page.keyboard.press("Tab")
    await on.page.keyboard.type(password)
    await on.page.keyboard.press("Enter")


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without"])
async def test_a_person_comes_to_the_page_they_wanted_and_leaves(
    browser: Browser, console: str, scripts: bool
) -> None:
    async with window(browser, console, scripts=scripts) as on:
        assert await on.open("/account?") == 200
        await expect(on.page.locator("h1")).to_have_text("Sign in")
        await type_in(on, "ana", "wrong")
        await expect(on.page.locator("#sign-in .bad")).to_contain_text("No person of this name")
        await expect(on.page.locator("#sign-in-name")).to_have_value("ana")
        await expect(on.page.locator("#sign-in-password")).to_have_value("")
        await on.page.locator("#sign-in-password").focus()
        await on.page.keyboard.type(PASSWORD)
        await on.page.keyboard.press("Enter")
        await expect(on.page.locator("h1")).to_have_text("ana")
        name = f"u2c-{urlsplit(console).port}"
        [session] = [cookie for cookie in await on.page.context.cookies() if cookie["name"] == name]
        assert (session["httpOnly"], session["sameSite"], session["path"]) == (True, "Lax", "/")
        await on.page.locator("#sign-out").focus()
        await on.page.keyboard.press("Enter")
        await expect(on.page.locator("h1")).to_have_text("Sign in")
        assert name not in {cookie["name"] for cookie in await on.page.context.cookies()}
        await on.open("/account")
        await expect(on.page.locator("h1")).to_have_text("Sign in")


async def test_what_was_typed_outlives_its_session(
    browser: Browser, console: str, database: TestDatabase
) -> None:
    """It stays while nobody is signed in, and is sent from the session that comes then, on the page that was open."""
    here = f"{console}/invoices?customer=acme"
    async with window(browser, console) as on:
        await on.open("/invoices?customer=acme")
        await type_in(on, "ana", PASSWORD)
        await on.page.locator("#save").press("Enter")
        name, save = on.page.locator("#save-view-name"), on.page.locator("#save-view-do")
        await name.fill("What acme owes")
        await _end_all_sessions(database)
        await save.press("Enter")
        await expect(on.page.locator("#said")).to_contain_text("Your session has ended")
        await expect(name).to_have_value("What acme owes")
        other = Window(await on.page.context.new_page(), console, on.reports)
        await other.open("/sign-in")
        await type_in(other, "ana", PASSWORD)
        await expect(other.page.locator("#sign-out")).to_be_visible()
        await save.press("Enter")
        await expect(on.page.locator("h1")).to_contain_text("This form is of a session that has ended")
        await expect(on.page.locator("#sent")).to_contain_text("What acme owes")
        assert on.page.url == here, "the address of a form cannot be opened"
        await on.page.locator("#again-do").press("Enter")
        await expect(on.page.locator("#saved-views")).to_contain_text("What acme owes")
        assert on.page.url == here


async def _end_all_sessions(database: TestDatabase) -> None:
    connection = await asyncpg.connect(database.admin_url)
    await connection.execute("delete from console.sessions")
    await connection.close()


async def test_the_demo_is_one_button(browser: Browser, console: str) -> None:
    async with window(browser, console) as on:
        await on.open("/sign-in?next=/account")
        await on.page.locator("#as-customer-success-do").focus()
        await on.page.keyboard.press("Enter")
        await expect(on.page.locator("#who")).to_contain_text("customer-success-manager")
        await on.page.locator("#everywhere-do").focus()
        await on.page.keyboard.press("Enter")
        await expect(on.page.locator("h1")).to_have_text("Sign in")


async def test_the_pages_of_sessions_hinder_nobody(browser: Browser, console: str) -> None:
    for scheme in SCHEMES:
        async with window(browser, console, scheme=scheme, width=320) as on:
            for path, name in (("/sign-in", "sign-in"), ("/nowhere", "fault"), ("/account", "account")):
                if path == "/account":
                    await on.open("/sign-in?next=/account")
                    await type_in(on, "ana", PASSWORD)
                    await expect(on.page.locator("h1")).to_have_text("ana")
                else:
                    await on.open(path)
                assert await on.violations() == [], path
                assert "body" not in await on.walk(), path
                await on.screens(name)
