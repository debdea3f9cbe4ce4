"""What a run found, as one object and as a table."""

from dataclasses import asdict, dataclass
from typing import Any

from rich.console import Console
from rich.table import Table

from lab.bench.bare import BareRates


@dataclass(frozen=True)
class Figures:
    """Rates are events a second, latencies seconds, memory MB; the CPU seconds are those between first send
    and last draft."""

    bus: str
    events_per_s: float
    sent_per_s: float
    seconds: float
    unique_events: int
    statements_per_s: float  # revisions of statements that became drafts
    customers: int
    stored_before: int
    rate: float
    behind_s: float  # how far the load fell behind its rate
    latency_p50_s: float | None
    latency_p99_s: float | None
    latency_max_s: float | None
    samples: int
    freshness_p50_s: float | None  # from accept until signals' roll-ups hold it
    freshness_p99_s: float | None
    ratio_to_bare: float | None  # None: the bare rates were not measured
    bare: BareRates | None
    cpu_s: dict[str, float]
    cpu_us_per_event: float
    peak_rss_mb: dict[str, float]
    rss_growth_mb_per_min: dict[str, float | None]
    bytes_per_event: dict[str, int]
    setup_s: float
    checks_s: float

    def shown(self) -> dict[str, Any]:
        return asdict(self)


def show(figures: Figures, words: Console) -> None:
    """A table for people."""
    table = Table(
        "figure",
        "value",
        title=f"{figures.unique_events:,} unique events over {figures.bus}, {figures.customers:,} customers",
        title_justify="left",
    )
    for name, value in _rows(figures):
        table.add_row(name, value)
    words.print(table)
    costs = Table(
        "process", "CPU s", "µs an event", "peak MB", "MB/min after the first minute", title_justify="left"
    )
    for name, seconds in figures.cpu_s.items():
        growth = figures.rss_growth_mb_per_min.get(name)
        costs.add_row(
            name,
            f"{seconds:.1f}",
            f"{seconds / figures.unique_events * 1e6:.1f}",
            f"{figures.peak_rss_mb.get(name, 0):.0f}",
            "too short to say" if growth is None else f"{growth:+.2f}",
        )
    words.print(costs)


def _rows(figures: Figures) -> list[tuple[str, str]]:
    return [
        ("events a second, from first send to last draft", f"{figures.events_per_s:,.0f}"),
        (
            "taken by the door a second",
            f"{figures.sent_per_s:,.0f}"
            + (f" (asked for {figures.rate:,.0f}, {figures.behind_s:.1f} s behind)" if figures.rate else ""),
        ),
        ("statements priced, told and drafted a second", f"{figures.statements_per_s:,.0f}"),
        (
            "accept to visible, p50 / p99 / max",
            f"{_s(figures.latency_p50_s)} / {_s(figures.latency_p99_s)} / {_s(figures.latency_max_s)}"
            f" of {figures.samples} events",
        ),
        ("accept to signals, p50 / p99", f"{_s(figures.freshness_p50_s)} / {_s(figures.freshness_p99_s)}"),
        *_bare_rows(figures.bare, figures.ratio_to_bare),
        (
            "bytes an event: table / index / WAL",
            " / ".join(f"{figures.bytes_per_event[name]:,}" for name in ("table", "index", "wal")),
        ),
        ("CPU µs an event, all processes", f"{figures.cpu_us_per_event:.1f}"),
        ("stored before", f"{figures.stored_before:,}"),
        ("set-up and checks", f"{figures.setup_s:.0f} s and {figures.checks_s:.0f} s"),
    ]


def _bare_rows(bare: BareRates | None, ratio: float | None) -> list[tuple[str, str]]:
    if bare is None or ratio is None:
        return []
    rates = f"{bare.decode:,.0f} / {bare.produce:,.0f} / {bare.consume:,.0f} / {bare.copy:,.0f}"
    return [("bare: decode / produce / consume / copy", rates), ("ratio to bare", f"{ratio:.3f}")]


def _s(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f} s"
