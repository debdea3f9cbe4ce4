"""`u2c bench console`: how long the console's pages take on a large book with nothing stale, and how fast a whole list comes as
CSV, in how much memory."""

import asyncio
import html
import random
import re
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass
from typing import Any, Final
from urllib.parse import quote

import asyncpg
import httpx2
import psutil
from rich.console import Console

from lab.bench.console_book import BEGINS, BookWanted, fill
from lab.bench.deployment import deployment
from lab.bench.latency import quantile
from lab.bench.scene import beside, connected
from lab.bench.workload import contract_name, subject
from shared.postgres.setup import CONSOLE, PROCESSES
from u2c.deployment.cluster import Cluster
from u2c.printing import folding

PAGE_MS_MAX: Final = 300
CSV_ROWS_PER_S_MIN: Final = 10_000
#: The first requests fill caches, and are not measured.
WARM_UP: Final = 5
PAGE_S_MAX: Final = 30.0
CSV_S_MAX: Final = 120.0
MEMORY_EVERY_S: Final = 0.2
ONWARD: Final = re.compile(r'id="[a-z-]+-next" class="next" href="([^"]+)"')
SAMPLES: Final = """select d.document_id, d.customer, d.contract, d.number, l.line_id
    from billing.documents d join billing.document_lines l using (document_id)
    where d.customer = any($1) and l.key = 'calls'"""


@dataclass(frozen=True)
class ConsoleWanted:
    """`requests`: how often each page is opened, one after another."""

    book: BookWanted
    requests: int


@dataclass(frozen=True)
class PageTime:
    """How long a page took, in ms. `address`: one of those that were opened; `grey`: of how many a block could not be shown,
    since its service did not answer in time."""

    page: str
    role: str
    p50_ms: float
    p99_ms: float
    opened: int
    grey: int
    address: str

    @property
    def is_fast(self) -> bool:
        return self.p99_ms <= PAGE_MS_MAX and not self.grey


@dataclass(frozen=True)
class CsvTime:
    """A whole list as CSV, or what of it came in CSV_S_MAX; how far the two processes that it goes through grew meanwhile, in
    MB."""

    rows: int
    rows_per_s: float
    growth_mb: dict[str, float]


@dataclass(frozen=True)
class ConsoleFigures:
    invoices: int
    customers: int
    events: int
    fill_s: float
    pages: Sequence[PageTime]
    csv: CsvTime

    def shown(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Sample:
    """Something that a page is of."""

    document: str
    customer: str
    contract: str
    number: str
    line: str


@dataclass
class Reader:
    """A person of a role. A page whose address is `next` is the one that the page before leads to."""

    http: httpx2.AsyncClient

    async def open_all(self, role: str, page: str, addresses: Sequence[str]) -> PageTime:
        """Open them one after another, for PAGE_S_MAX at most. The first ones are not measured."""
        times: list[float] = []
        grey, onward, until = 0, "", time.monotonic() + PAGE_S_MAX
        for number, address in enumerate(addresses):
            began = time.perf_counter()
            answer = await self.http.get(onward or address)
            took_ms = (time.perf_counter() - began) * 1000
            assert answer.status_code == 200, f"{address} answered {answer.status_code}: {answer.text[:500]}"
            led = ONWARD.search(answer.text)
            onward = html.unescape(led[1]) if led and addresses[0] == addresses[-1] else ""
            is_late = time.monotonic() > until
            if number >= WARM_UP or is_late:
                times.append(took_ms)
                grey += 'class="down"' in answer.text
            if is_late:
                break
        p50, p99 = quantile(sorted(times), 0.5), quantile(sorted(times), 0.99)
        assert p50 is not None and p99 is not None
        return PageTime(page, role, p50, p99, len(times), grey, addresses[-1])


async def measure_console(wanted: ConsoleWanted, say: Callable[[str], None]) -> ConsoleFigures:
    demo = {CONSOLE: {"U2C_DEMO": "true"}}
    more: dict[str, Any] = {"services": PROCESSES, "environment": demo, "clock_at": BEGINS}
    async with deployment("postgres", "bench-console", **more) as found, AsyncExitStack() as left:
        began = time.monotonic()
        await fill(found.cluster, wanted.book, say)
        fill_s = time.monotonic() - began
        admin = await connected(found.cluster.database_url, left)
        samples = await _samples(admin, wanted.book.customers)
        pages = []
        for role, page, addresses in _pages(samples, wanted.requests + WARM_UP):
            async with _reader(found.cluster, role) as reader:
                pages.append(await reader.open_all(role, page, addresses))
            say(f"{page}: {pages[-1].p50_ms:,.0f} / {pages[-1].p99_ms:,.0f} ms")
        say("the whole list of invoices as CSV …")
        return ConsoleFigures(
            await admin.fetchval("select count(*) from billing.documents where status = 'finalized'"),
            await admin.fetchval("select count(*) from rating.customers"),
            await admin.fetchval("select count(*) from rating.events"),
            round(fill_s, 1),
            pages,
            await _csv(found.cluster),
        )


async def _samples(admin: asyncpg.Connection, customers: int) -> list[Sample]:
    """Documents of a hundred customers, in no order, the same each time."""
    drawn = random.Random(0)
    names = [subject(drawn.randrange(customers)) for _ in range(100)]
    rows = await admin.fetch(f"{SAMPLES} order by document_id", names)
    found = [Sample(*row) for row in rows]
    drawn.shuffle(found)
    return found


def _pages(samples: Sequence[Sample], requests: int) -> Iterator[tuple[str, str, list[str]]]:
    """(role, page, its addresses): of a list the page after page, of what there is many of another each time."""

    def each(role: str, page: str, address: Callable[[Sample], str]) -> tuple[str, str, list[str]]:
        return role, page, [address(samples[number % len(samples)]) for number in range(requests)]

    for role, page, address in (
        ("leader", "Waiting", "/"),
        ("finance", "Invoices", "/invoices"),
        ("finance", "Invoices, drafts", "/invoices?status=draft"),
        ("finance", "Invoices, by amount", "/invoices?status=finalized&currency=USD&sort=-amount"),
        ("finance", "Suspense", "/suspense"),
        ("finance", "Late", "/late"),
        ("finance", "Books", "/reconciliation"),
        ("customer-success", "Customers, by risk", "/customers?sort=risk"),
        ("customer-success", "Customers, by stake", "/customers?sort=stake"),
        ("engineer", "Quarantine", "/quarantine"),
        ("finance", "Account", "/account"),
    ):
        yield role, page, [address] * requests
    yield each("finance", "Invoices of a customer", lambda of: f"/invoices?customer={of.customer}")
    yield each("finance", "Invoice", lambda of: f"/invoices/{of.document}")
    yield each("finance", "Line", lambda of: f"/invoices/{of.document}/lines/{of.line}")
    yield each("customer-success", "Customers that begin so", lambda of: f"/customers?q={of.customer[:-1]}")
    yield each("customer-success", "Customer", lambda of: f"/customers/{of.customer}")
    yield each("engineer", "Event", lambda of: f"/events?source={of.customer}&id={of.customer}-1")
    yield each("finance", "Find a number", lambda of: f"/find?q={quote(of.number)}")
    yield each("finance", "Find a contract", lambda of: f"/find?q={contract_name(of.customer)}")


@asynccontextmanager
async def _reader(cluster: Cluster, role: str) -> AsyncIterator[Reader]:
    """Signed in as one of the demo's people."""
    async with httpx2.AsyncClient(
        base_url=cluster.urls[CONSOLE], trust_env=False, timeout=60, follow_redirects=True
    ) as http:
        said = {"Sec-Fetch-Site": "same-origin"}
        done = await http.post("/sign-in/demo", data={"role": role, "next": "/account"}, headers=said)
        assert done.status_code == 200, done.text[:500]
        yield Reader(http)


async def _csv(cluster: Cluster) -> CsvTime:
    growth = Growth({name: psutil.Process(cluster.processes[name].pid) for name in (CONSOLE, "billing")})
    async with _reader(cluster, "finance") as reader, beside(growth.watch()):
        began, lines = time.monotonic(), 0
        async with reader.http.stream("GET", "/invoices.csv", timeout=None) as answer:
            assert answer.status_code == 200
            async for chunk in answer.aiter_bytes():
                lines += chunk.count(b"\n")
                if time.monotonic() - began > CSV_S_MAX:
                    break
        seconds = time.monotonic() - began
    rows = lines - 1  # the head
    return CsvTime(rows, round(rows / seconds, 1), growth.mb())


class Growth:
    """How far processes grow beyond what they were when it began."""

    def __init__(self, processes: dict[str, psutil.Process]) -> None:
        self._processes = processes
        self._began = self._now()
        self._most = dict(self._began)

    async def watch(self) -> None:
        while True:
            await asyncio.sleep(MEMORY_EVERY_S)
            for name, bytes_ in self._now().items():
                self._most[name] = max(self._most[name], bytes_)

    def mb(self) -> dict[str, float]:
        return {name: round((most - self._began[name]) / 1e6, 1) for name, most in self._most.items()}

    def _now(self) -> dict[str, int]:
        return {name: process.memory_info().rss for name, process in self._processes.items()}


def show(figures: ConsoleFigures, words: Console) -> None:
    """A table for people, with what is asked for at least."""
    title = f"{figures.invoices:,} invoices, {figures.customers:,} customers, {figures.events:,} events"
    table = folding("page", "p50", "p99", "at most", "", "opened", "grey", title=title)
    for page in figures.pages:
        table.add_row(
            page.page,
            f"{page.p50_ms:,.0f} ms",
            f"{page.p99_ms:,.0f} ms",
            f"{PAGE_MS_MAX} ms",
            "met" if page.is_fast else "missed",
            str(page.opened),
            str(page.grey),
        )
    words.print(table)
    csv = figures.csv
    grew = ", ".join(f"{name} {mb:+.1f} MB" for name, mb in csv.growth_mb.items())
    met = "met" if csv.rows_per_s >= CSV_ROWS_PER_S_MIN else "missed"
    words.print(
        f"CSV: {csv.rows:,} rows, {csv.rows_per_s:,.0f} a second (at least {CSV_ROWS_PER_S_MIN:,}: {met}); {grew}"
    )
