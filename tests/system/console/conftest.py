"""A browser for each worker, and a page with one of each part."""

import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
import pytest_asyncio
import uvicorn
from fastapi import FastAPI
from fastapi.responses import HTMLResponse
from playwright.async_api import Browser, async_playwright

from lab.departures.client import Client
from services.console.assets.api import router as assets
from services.console.frame.page import PAGE_HEADERS
from shared.postgres.setup import CONSOLE, PROCESSES
from tests.conftest import TestDatabase
from tests.needs import BROWSER
from tests.services.console.frame.pages import tried
from tests.system.console.deployment import Deployment, deployed
from tests.system.console.year import Year, played
from u2c.deployment.cluster import ClusterOptions


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Chromium of the machine. As root it has no sandbox of its own; it shows nothing but pages of tests."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        yield browser
        await browser.close()


@pytest.fixture
def options(cluster_options: Callable[..., ClusterOptions]) -> ClusterOptions:
    """All of it with the demo's buttons to sign in, its clock at the beginning of a year."""
    return cluster_options(
        restart=False,
        services=PROCESSES,
        environment={CONSOLE: {"U2C_DEMO": "true"}},
        clock_at=datetime(2024, 1, 1, tzinfo=UTC),
    )


@pytest.fixture
async def deployment(
    cluster_options: Callable[..., ClusterOptions], database: TestDatabase, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Deployment]:
    """A deployment whose clock stands at the beginning of a year."""
    options = cluster_options(services=PROCESSES, restart=False, clock_at=datetime(2024, 1, 1, tzinfo=UTC))
    async with deployed(options, database, monkeypatch) as running:
        yield running


@pytest.fixture
async def client(deployment: Deployment) -> AsyncIterator[Client]:
    client = Client(deployment.cluster.urls, deployment.cluster.admin_key)
    yield client
    await client.close()


@pytest.fixture(scope="session")
def year() -> Iterator[Year]:
    """The demo after its year and its Monday, once for all that ask it."""
    with played() as year:
        yield year


@pytest.fixture(scope="session")
def parts() -> Iterator[str]:
    """The address of a console with one page, `/?q=TEXT`: each part, and each text from outside is this one."""
    app = FastAPI()
    app.include_router(assets)

    @app.get("/")
    async def shown(q: str = "plain") -> HTMLResponse:
        return HTMLResponse(tried(q), headers=PAGE_HEADERS)

    @app.get("/invoices")
    async def listed(cursor: str = "", sort: str = "") -> HTMLResponse:
        return HTMLResponse(
            tried(f"page after {cursor}" if cursor else f"by {sort}" if sort else "first"),
            headers=PAGE_HEADERS,
        )

    @app.get("/invoices/{rest:path}")
    async def opened(rest: str) -> HTMLResponse:
        return HTMLResponse(tried(rest), headers=PAGE_HEADERS)

    with served(app) as base:
        yield base


@contextmanager
def served(app: FastAPI) -> Iterator[str]:
    """Serves an app in a thread of its own; the address it has."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
        thread = threading.Thread(target=server.run, args=([door],))
        thread.start()
        try:
            yield f"http://127.0.0.1:{door.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()
