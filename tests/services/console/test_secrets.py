"""Keys, passwords and session ids stand in no address, page, log, metric, table or audit row: they are searched for."""

from dataclasses import replace
from urllib.parse import quote

import httpx2
import pytest
from _pytest.capture import CaptureManager

from services.console.domain.addresses import with_query
from services.console.domain.roles import ROLES
from shared.runtime.logs import configure_logs
from shared.values.names import API_KEY_PREFIX
from tests.services.console.conftest import PASSWORD, Browser, Open
from tests.services.console.hostile import HOSTILE


@pytest.fixture
def told(request: pytest.FixtureRequest) -> CaptureManager:
    """What the whole run writes: a logger keeps the file that it wrote to first, so it must outlive the test."""
    manager: CaptureManager | None = request.config.pluginmanager.getplugin("capturemanager")
    assert manager is not None and manager.is_globally_capturing(), "run without -s: the log is read here"
    return manager


async def test_no_secret_is_left_anywhere(opened: Open, told: CaptureManager) -> None:
    """Whatever is done with it: signing in, failing to, forms refused and taken, pages of faults, a service down."""
    wrong = "a password in the wrong field"
    async with opened(log_level="info") as console:
        browser = await console.signed_in("ana")
        session = browser.cookies["u2c-8105"]
        answers = [
            await browser.get("/account"),
            await browser.get("/account?name=x"),
            await browser.get("/nowhere"),
            await browser.get("/sign-in?next=/account"),
            await browser.send("/sign-out", {"Origin": "https://evil.example"}),
            await browser.post("/sign-out-everywhere", csrf="x"),
            await console.browser().sign_in(wrong, wrong),
            await console.browser().sign_in("ana", wrong),
            await browser.post("/sign-out-everywhere"),
            await browser.get("/metrics"),
            await browser.get("/readyz"),
        ]
        tables = [
            str(dict(row))
            for table in ("people", "sessions", "tries", "audit")
            for row in await console.context.db.pool.fetch(f"select * from console.{table}")
        ]
        hidden = (session, PASSWORD, *(console.context.settings.role_key(role) for role in ROLES))
    configure_logs("tests", "warning")
    out, err = told.read_global_capture()
    kept = [
        value for answer in answers for name, value in answer.headers.multi_items() if name != "set-cookie"
    ]
    everything = {
        "pages": " ".join(answer.text for answer in answers),
        "headers": " ".join(kept),
        "addresses": " ".join(str(answer.request.url) for answer in answers),
        "log": out + err,
        "tables": " ".join(tables),
    }
    assert all(everything.values()) and all(len(secret) > 8 for secret in hidden)
    assert not [(where, secret) for where, text in everything.items() for secret in hidden if secret in text]
    # what was typed as a name comes back in its field alone
    assert not [where for where, text in everything.items() if wrong in text and where != "pages"]
    assert everything["pages"].count(wrong) == 1


async def test_a_pasted_key_is_asked_of_nobody_and_stands_in_no_log(
    opened: Open, told: CaptureManager
) -> None:
    key, typed = f"{API_KEY_PREFIX}7Q2mJ0y3x9", "u2c_typed_elsewhere"
    asked: list[str] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        asked.append(str(request.url))
        return httpx2.Response(200, json={"data": [], "has_more": False})

    async with (
        opened(log_level="info") as console,
        httpx2.AsyncClient(transport=httpx2.MockTransport(answer)) as http,
    ):
        browser = await console.signed_in("ana")
        console.app.state.context = replace(console.context, http=http, asked={})
        found = await browser.get(with_query("/find", {"q": f" {key}"}))
        await browser.get(with_query("/find", {"q": typed}))
    configure_logs("tests", "warning")
    out, err = told.read_global_capture()
    assert found.status_code == 422 and "This is an API key" in found.text and key not in found.text
    assert not [url for url in asked if key in url] and [url for url in asked if typed in url]
    assert typed not in out + err and key not in out + err


async def test_a_hostile_name_comes_back_as_text(opened: Open) -> None:
    async with opened() as console:
        for place, text in enumerate(HOSTILE.values()):
            await _stays_text(
                console.browser(address=f"10.0.0.{place}"), text.encode(errors="replace").decode()
            )


async def _stays_text(browser: Browser, name: str) -> None:
    answer = await browser.sign_in(name, name, next=name)
    assert answer.status_code in (401, 422) and answer.headers["content-type"].startswith("text/html"), name
    assert "<script>alert" not in answer.text and "onerror=alert(1)>" not in answer.text
    asked = await browser.get("/" + quote(name[:2000], safe=""))
    assert asked.status_code == 404 and "<script>alert" not in asked.text, name
