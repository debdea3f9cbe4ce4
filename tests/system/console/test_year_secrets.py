"""After people were at work on the demo's year no key, password or session is left in any address, page, log, metric, audit
row or table: they are searched for."""

import asyncio
import subprocess
import sys

import asyncpg
import httpx2
import pytest
from playwright.async_api import Browser

from lab.verbs.demo import DATABASE
from services.console.sessions.page import DEMO_ROLES
from shared.postgres.embedded import EmbeddedPostgres
from shared.postgres.setup import PROCESSES, SERVICES
from shared.postgres.urls import database_url
from tests.needs import NEEDS_BROWSER
from tests.services.console.conftest import PASSWORD
from tests.system.console.browser import Window, window
from tests.system.console.reader import Reader, reading
from tests.system.console.year import Year
from u2c.deployment.secrets import secrets_of

pytestmark = [
    NEEDS_BROWSER,
    pytest.mark.long,
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.timeout(1200),
]


async def test_no_secret_is_left_anywhere(browser: Browser, year: Year) -> None:
    told, secrets = dict[str, str](), _secrets(year)
    for role in DEMO_ROLES:
        async with reading(year.console, role) as reader, window(browser, year.console) as on:
            await on.sign_in(role)
            async for page in reader.pages():
                assert await on.open(page.address) == 200
            secrets |= {*reader.http.cookies.values()} | await _sessions(on)
            told[f"pages of {role}"] = _answered(reader)
            told[f"addresses of {role}"] = " ".join(on.reports.requests)
    secrets |= {PASSWORD} | await _signs_in_by_password(browser, year)
    told |= await _left(year)
    assert all(told.values()) and all(len(secret) > 15 for secret in secrets)
    assert not [(where, secret) for where, text in told.items() for secret in secrets if secret in text]


def _secrets(year: Year) -> set[str]:
    """The deployment's own, each service's login, and every key."""
    secret, url = year.state.secret(), "postgresql://u2c@127.0.0.1:1/u2c"
    logins = [secrets_of(process, url, secret, year.keys) for process in PROCESSES]
    return {
        secret,
        *year.keys.values(),
        *(httpx2.URL(login["U2C_DATABASE_URL"]).password for login in logins),
    }


async def _sessions(on: Window) -> set[str]:
    """What a browser is known by: of its person's session, and that they have signed in there."""
    kept = {cookie["value"] for cookie in await on.page.context.cookies() if "u2c" in cookie["name"]}
    assert kept
    return kept


def _answered(reader: Reader) -> str:
    """Pages, and headers of answers but for the cookie itself."""
    kept = [
        value
        for answer in reader.answers
        for name, value in answer.headers.multi_items()
        if name != "set-cookie"
    ]
    return " ".join([*kept, *(f"{answer.request.url} {answer.text}" for answer in reader.answers)])


async def _signs_in_by_password(browser: Browser, year: Year) -> set[str]:
    """Somebody whom the command line lets in; what their browser is known by."""
    command = [sys.executable, "-m", "u2c", "console", "user", "add", "ana", "--role", "admin"]
    done = await asyncio.to_thread(
        subprocess.run,
        [*command, "--database", DATABASE],
        env=year.environment,
        input=PASSWORD,
        text=True,
        capture_output=True,
    )
    assert done.returncode == 0, done.stderr
    async with window(browser, year.console) as on:
        await on.open("/sign-in?next=/account")
        await on.type("sign-in-name", "ana")
        await on.type("sign-in-password", PASSWORD)
        await on.enter()
        assert await on.page.locator("h1").inner_text() == "ana"
        return await _sessions(on)


async def _left(year: Year) -> dict[str, str]:
    """What the deployment has written down: logs, metrics, audit rows and the console's tables."""
    told = {f"log {path.name}": path.read_text() for path in year.state.logs().glob("*.log")}
    async with year.client() as client:
        for service in SERVICES:
            rows = [row async for row in client.pages(service, "/v1/audit")]
            told[f"audit of {service}"] = str(rows)
    async with httpx2.AsyncClient(trust_env=False, timeout=60) as http:
        for process, url in year.urls.items():
            told[f"metrics of {process}"] = (await http.get(f"{url}/metrics")).text
    server = EmbeddedPostgres(year.state.folder).running()
    assert server is not None
    connection = await asyncpg.connect(database_url(server.admin_url, DATABASE))
    try:
        for table in ("people", "sessions", "tries", "audit"):
            told[f"console.{table}"] = str(
                [dict(row) for row in await connection.fetch(f"select * from console.{table}")]
            )
    finally:
        await connection.close()
    return told
