"""The console's own files: small, kept for ever under the hash of their content, and no others."""

import gzip
import hashlib
import re

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from services.console.assets.api import router
from services.console.assets.memory import FOLDER, address_of, assets
from shared.http.problems import install_problems

SCRIPTS_MAX_BYTES, STYLE_MAX_BYTES = 30_000, 15_000


@pytest.fixture(scope="module")
def client() -> TestClient:
    app = FastAPI()
    install_problems(app)
    app.include_router(router)
    return TestClient(app)


def test_every_file_is_served_under_the_hash_of_its_content_and_kept(client: TestClient) -> None:
    assert {"console.css", "console.js", "icon.svg", "vendor/htmx.min.js"} <= assets().keys()
    for name, asset in assets().items():
        assert (
            hashlib.sha256((FOLDER / name).read_bytes()).hexdigest().startswith(asset.address.split("/")[2])
        )
        answer = client.get(asset.address, headers={"Accept-Encoding": "gzip"})
        assert answer.status_code == 200 and answer.content == (FOLDER / name).read_bytes()
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert answer.headers["Content-Type"] == asset.media
        assert answer.headers["Content-Encoding"] == "gzip"
        assert client.get(asset.address, headers={"Accept-Encoding": "identity"}).content == answer.content


@pytest.mark.parametrize(
    "address",
    [
        "/static/0000000000000000/console.css",
        "/static/0000000000000000/..%2f..%2fsettings.py",
        address_of("console.css").replace("console.css", "VENDOR.toml"),
        address_of("console.css").replace("console.css", "%2e%2e%2fmain.py"),
    ],
)
def test_anything_else_is_not_there(client: TestClient, address: str) -> None:
    answer = client.get(address)
    assert answer.status_code == 404
    assert answer.json()["code"] in ("asset_not_found", "route_not_found")


def test_scripts_and_style_are_within_their_budget() -> None:
    sizes = {name: len(asset.compressed) for name, asset in assets().items()}
    assert sum(size for name, size in sizes.items() if name.endswith(".js")) <= SCRIPTS_MAX_BYTES
    assert sum(size for name, size in sizes.items() if name.endswith(".css")) <= STYLE_MAX_BYTES
    assert all(gzip.decompress(asset.compressed) == asset.content for asset in assets().values())


def test_our_own_files_fetch_nothing_from_elsewhere_and_keep_nothing() -> None:
    """No address of another host, no font, nothing evaluated, nothing stored in the browser."""
    forbidden = re.compile(
        r"https?:|@import|@font-face|url\(|\beval\b|new Function|innerHTML|outerHTML|document\.write|localStorage|sessionStorage"
    )
    for path in FOLDER.iterdir():
        if path.suffix in (".css", ".js"):
            assert forbidden.findall(path.read_text()) == [], path.name
