"""Whatever goes wrong is a page that says what and what to do."""

import subprocess
import sys

import pytest

from tests.services.console.conftest import Console, Open
from u2c.deployment.state import ROOT


@pytest.mark.parametrize(
    ("method", "path", "status", "words"),
    [
        ("GET", "/nowhere", 404, "There is nothing at this address."),
        ("GET", "/sign-out", 405, "This address does not take this method"),
        ("GET", "/account?page_size=x", 422, "no query parameter"),
        ("GET", "/%00", 404, "There is nothing at this address."),
        ("POST", "/sign-in", 422, "next"),
    ],
)
async def test_a_bad_address_is_a_readable_page(
    console: Console, method: str, path: str, status: int, words: str
) -> None:
    browser = await console.signed_in("ana")
    answer = await (browser.get(path) if method == "GET" else browser.post(path, next="x" * 9000))
    assert answer.status_code == status and words in answer.text, answer.text
    assert (
        answer.headers["content-type"].startswith("text/html")
        and answer.headers["x-request-id"] in answer.text
    )
    assert "default-src 'none'" in answer.headers["content-security-policy"]


async def test_a_service_that_is_down_leaves_the_page(console: Console) -> None:
    browser = await console.signed_in("ana")
    page = await browser.get("/account")
    assert page.status_code == 200 and "unknown: rating cannot be reached" in page.text


async def test_the_console_is_ready_without_its_services_and_not_without_its_keys(opened: Open) -> None:
    async with opened() as console:
        ready = await console.browser().get("/readyz")
        assert ready.status_code == 200 and ready.json()["checks"]["role keys"] == "ok"
    async with opened(role_key_leader="") as console:
        ready = await console.browser().get("/readyz")
        assert ready.status_code == 503 and "U2C_ROLE_KEY_LEADER" in ready.json()["checks"]["role keys"]


async def test_who_comes_through_a_proxy_sees_no_metrics(console: Console) -> None:
    for path in ("/metrics", "/readyz", "/healthz"):
        assert (await console.browser().get(path)).status_code == 200
        hidden = await console.browser().get(path, **{"X-Forwarded-For": "203.0.113.9"})
        assert hidden.status_code == 404 and "There is nothing at this address." in hidden.text


def test_a_segment_of_an_address_is_taken_as_it_was_meant_whatever_was_imported_before() -> None:
    """By the console alone: it is not `u2c service` that lets routes be made so."""
    code = """
from services.console.main import ROUTERS, routes_of
from shared.http.segments import Segment
found = [one for route in routes_of(ROUTERS) for one in route.param_convertors.values()]
assert found and {type(one) for one in found} == {Segment}, found
"""
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=60)
