"""What a run found, as one object and as tables."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

from rich.console import Console
from rich.table import Table

from lab.bench.bare import BareRates
from lab.bench.drafts import Reading
from lab.bench.latency import Watch, quantile
from lab.bench.sender import Sent
from lab.bench.spent import Spending, Spent
from u2c.printing import folding

LEAST_SHOWN = 0.01  # µs, rows and bytes an event below this are in the object alone
TABLES_SHOWN, STATEMENTS_SHOWN = 16, 40


@dataclass(frozen=True)
class Load:
    """What was sent. `seconds`: from the first send until every draft was read and covered its customer's last
    event."""

    unique_events: int
    sent_per_s: float
    seconds: float
    rate: float
    behind_s: float  # how far the load fell behind its rate

    @classmethod
    def of(cls, sent: Sent, rate: float, seconds: float) -> Self:
        return cls(
            sent.unique, round(sent.messages / sent.send_s, 1), round(seconds, 2), rate, round(sent.late_s, 2)
        )


@dataclass(frozen=True)
class Closing:
    """The reading of every draft once all was folded: how many drafts, how many of them were stale and read again,
    how long the reading took, and µs of CPU a draft over all processes but the reader's own. Where a reading makes
    no draft current, the CPU includes what the drafts were waited for."""

    drafts: int
    read_again: int
    read_s: float
    cpu_us_per_draft: float
    cpu_s: Mapping[str, float]

    @classmethod
    def of(cls, reading: Reading, spent: Spent) -> Self:
        return cls(
            reading.drafts,
            reading.again,
            round(reading.seconds, 2),
            round(spent.product_s / max(reading.drafts, 1) * 1e6, 1),
            {name: round(seconds, 2) for name, seconds in spent.cpu_s.items()},
        )


@dataclass(frozen=True)
class Latencies:
    """Seconds: from accept until visible, from accept until signals' roll-ups hold it, and what a page of fifty
    drafts took meanwhile."""

    visible_p50_s: float | None
    visible_p99_s: float | None
    visible_max_s: float | None
    samples: int
    freshness_p50_s: float | None
    freshness_p99_s: float | None
    page_p50_s: float | None
    page_p99_s: float | None
    pages: int

    @classmethod
    def of(cls, watch: Watch) -> Self:
        visible, fresh, pages = watch.latencies_s(), watch.freshness_s(), sorted(watch.pages_s)
        return cls(
            quantile(visible, 0.5),
            quantile(visible, 0.99),
            quantile(visible, 1.0),
            len(visible),
            quantile(fresh, 0.5),
            quantile(fresh, 0.99),
            quantile(pages, 0.5),
            quantile(pages, 0.99),
            len(pages),
        )


@dataclass(frozen=True)
class Costs:
    """What the events cost, from the first send until everything sent was folded: CPU seconds by process, µs an
    event over all but the benchmark's own, the server's by role or kind, and memory in MB."""

    cpu_s: Mapping[str, float]
    cpu_us_per_event: float
    postgres_us_per_event: Mapping[str, float]
    peak_rss_mb: Mapping[str, float]
    rss_growth_mb_per_min: Mapping[str, float | None]

    @classmethod
    def of(cls, spent: Spent, spending: Spending, events: int) -> Self:
        return cls(
            {name: round(seconds, 2) for name, seconds in spent.cpu_s.items()},
            round(spent.product_s / events * 1e6, 2),
            {kind: round(seconds / events * 1e6, 2) for kind, seconds in spent.by_role().items()},
            spending.processes.peak_rss_mb(),
            spending.processes.growth_mb_per_min(),
        )


@dataclass(frozen=True)
class Figures:
    """Rates are events a second, latencies seconds, memory MB."""

    bus: str
    customers: int
    stored_before: int
    events_per_s: float
    load: Load
    closing: Closing
    latencies: Latencies
    statements_per_event: Mapping[str, float]  # cause → revisions priced
    costs: Costs
    bytes_per_event: Mapping[str, int]
    tables_per_event: Mapping[str, Mapping[str, float]]  # table → bytes and rows
    statement_groups: Sequence[Mapping[str, str | float]]  # empty: not asked for
    ratio_to_bare: float | None  # None: the bare rates were not measured
    bare: BareRates | None
    setup_s: float
    checks_s: float

    def shown(self) -> dict[str, Any]:
        return asdict(self)

    def compared(self, besides: str) -> dict[str, float]:
        """What two commits are compared by; the process named is the benchmark's own, and is left out."""
        events, latencies = self.load.unique_events, self.latencies
        by_process = {
            f"cpu_us_per_event_{name}": round(seconds / events * 1e6, 2)
            for name, seconds in self.costs.cpu_s.items()
            if name != besides
        }
        seconds = {
            "visible_p50_s": latencies.visible_p50_s,
            "visible_p99_s": latencies.visible_p99_s,
            "signals_p99_s": latencies.freshness_p99_s,
        }
        return {
            "cpu_us_per_event": self.costs.cpu_us_per_event,
            **by_process,
            "cpu_us_per_draft_closing": self.closing.cpu_us_per_draft,
            "events_per_s": self.events_per_s,
            **{name: value for name, value in seconds.items() if value is not None},
            "wal_bytes_per_event": self.bytes_per_event["wal"],
        }


def show(figures: Figures, words: Console) -> None:
    """Tables for people."""
    load = figures.load
    table = Table(
        "figure",
        "value",
        title=f"{load.unique_events:,} unique events over {figures.bus}, {figures.customers:,} customers",
        title_justify="left",
    )
    for name, value in (*_flow_rows(figures), *_cost_rows(figures)):
        table.add_row(name, value)
    for each in (table, _processes(figures), _roles(figures), _tables(figures)):
        words.print(each)
    if figures.statement_groups:
        words.print(_statements(figures))


def _flow_rows(figures: Figures) -> list[tuple[str, str]]:
    load, seen, closing = figures.load, figures.latencies, figures.closing
    asked = f" (asked for {load.rate:,.0f}, {load.behind_s:.1f} s behind)" if load.rate else ""
    return [
        (
            "events a second, from first send until every draft read covers its customer's last",
            f"{figures.events_per_s:,.0f}",
        ),
        ("taken by the door a second", f"{load.sent_per_s:,.0f}{asked}"),
        (
            "closing read: drafts / read again / seconds / CPU µs a draft",
            f"{closing.drafts:,} / {closing.read_again:,} / {closing.read_s:.1f} / {closing.cpu_us_per_draft:,.0f}",
        ),
        (
            "accept to visible, p50 / p99 / max",
            f"{_s(seen.visible_p50_s)} / {_s(seen.visible_p99_s)} / {_s(seen.visible_max_s)} of {seen.samples} events",
        ),
        ("accept to signals, p50 / p99", f"{_s(seen.freshness_p50_s)} / {_s(seen.freshness_p99_s)}"),
        (
            "a page of 50 drafts meanwhile, p50 / p99",
            f"{_s(seen.page_p50_s)} / {_s(seen.page_p99_s)} of {seen.pages}",
        ),
    ]


def _cost_rows(figures: Figures) -> list[tuple[str, str]]:
    causes = ", ".join(f"{cause} {count:.4f}" for cause, count in figures.statements_per_event.items())
    return [
        ("CPU µs an event until folded, without the client", f"{figures.costs.cpu_us_per_event:.1f}"),
        ("statements priced an event, by cause", causes),
        *_bare_rows(figures.bare, figures.ratio_to_bare),
        (
            "bytes an event: table / index / WAL",
            " / ".join(f"{figures.bytes_per_event[name]:,}" for name in ("table", "index", "wal")),
        ),
        ("stored before", f"{figures.stored_before:,}"),
        ("set-up and checks", f"{figures.setup_s:.0f} s and {figures.checks_s:.0f} s"),
    ]


def _bare_rows(bare: BareRates | None, ratio: float | None) -> list[tuple[str, str]]:
    if bare is None or ratio is None:
        return []
    rates = f"{bare.decode:,.0f} / {bare.produce:,.0f} / {bare.consume:,.0f} / {bare.copy:,.0f}"
    cpu = " / ".join(f"{bare.cpu_us[step]:.1f}" for step in ("decode", "produce", "consume", "copy"))
    return [
        ("bare: decode / produce / consume / copy", rates),
        ("bare: CPU µs an event, all processes", cpu),
        ("ratio to bare", f"{ratio:.3f}"),
    ]


def _processes(figures: Figures) -> Table:
    costs = Table(
        "process", "CPU s", "µs an event", "peak MB", "MB/min after the first minute", title_justify="left"
    )
    for name, seconds in figures.costs.cpu_s.items():
        growth = figures.costs.rss_growth_mb_per_min.get(name)
        costs.add_row(
            name,
            f"{seconds:.1f}",
            f"{seconds / figures.load.unique_events * 1e6:.1f}",
            f"{figures.costs.peak_rss_mb.get(name, 0):.0f}",
            "too short to say" if growth is None else f"{growth:+.2f}",
        )
    return costs


def _roles(figures: Figures) -> Table:
    table = Table("postgres, by role or process", "µs an event", title_justify="left")
    for kind, us in figures.costs.postgres_us_per_event.items():
        if us >= LEAST_SHOWN:
            table.add_row(kind, f"{us:.2f}")
    return table


def _tables(figures: Figures) -> Table:
    columns = {
        "table_bytes": "table B",
        "index_bytes": "index B",
        "inserted": "in",
        "updated": "up",
        "updated_in_place": "in place",
        "deleted": "del",
    }
    table = folding("an event, by table", *columns.values())
    for name, found in list(figures.tables_per_event.items())[:TABLES_SHOWN]:
        if max(found.values()) >= LEAST_SHOWN:
            table.add_row(name, *(f"{found[column]:.3f}" for column in columns))
    return table


def _statements(figures: Figures) -> Table:
    table = folding("role: statement", "µs an event", "calls an event", "µs a call")
    for group in figures.statement_groups[:STATEMENTS_SHOWN]:
        called = (group[name] for name in ("us_per_event", "calls_per_event", "us_per_call"))
        table.add_row(f"{group['role']}: {group['statement']}", *map(str, called))
    return table


def _s(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f} s"
