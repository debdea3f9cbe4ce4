"""The independently computed figures, and the comparison with what the system says."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from lab.departures.year import EXAMPLES

MONTHS = tuple(f"2013-{month:02}" for month in range(1, 13))


@dataclass(frozen=True, slots=True)
class Mismatch:
    """One figure that differs."""

    airline: str
    month: str
    figure: str
    expected: str
    got: str

    def __str__(self) -> str:
        return f"MISMATCH {self.airline} {self.month} expected {self.expected} got {self.got} ({self.figure})"


def expected_figures(folder: Path = EXAMPLES) -> dict[str, dict[str, dict[str, Any]]]:
    """Airline → month → figures, as decimal strings."""
    figures: dict[str, dict[str, dict[str, Any]]] = msgspec.json.decode(
        (folder / "departures_expected_8_of_16.json").read_bytes()
    )
    return figures


def compare(
    expected: dict[str, dict[str, dict[str, Any]]],
    invoices: Iterable[dict[str, Any]],
    dispositions: dict[tuple[str, str], dict[str, int]],
) -> list[Mismatch]:
    """Compare totals and quantities of the invoices, and voided = cancelled of the reconciliation, both
    ways."""
    issued: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for invoice in invoices:
        issued.setdefault((invoice["customer"], invoice["period"]["start"][:7]), []).append(invoice)
    found = [
        m
        for airline, months in expected.items()
        for month, figures in months.items()
        for m in _month(
            airline, month, figures, issued.pop((airline, month), []), dispositions.get((airline, month), {})
        )
    ]
    extra = [Mismatch(a, m, "invoices", "none", str(len(more))) for (a, m), more in issued.items()]
    return found + extra


def _month(
    airline: str,
    month: str,
    figures: dict[str, Any],
    invoices: list[dict[str, Any]],
    disposition: dict[str, int],
) -> Iterator[Mismatch]:
    if len(invoices) != 1:
        yield Mismatch(airline, month, "invoices", "1", str(len(invoices)))
        return
    invoice = invoices[0]
    quantities = {line["key"]: line["quantity"] for line in invoice["lines"]}
    wanted = [
        ("total", figures["invoice"], invoice["total"]),
        ("currency", figures.get("currency", "USD"), invoice["currency"]),
    ]
    if "unique_tails" in figures:
        wanted.append(("tails", figures["unique_tails"], quantities.get("tails")))
    else:
        wanted.append(("departures", figures["departures"], quantities.get("departures")))
    wanted.append(("applied departures", figures["departures"], disposition.get("applied", 0)))
    wanted.append(("voided departures", figures["cancelled"], disposition.get("voided", 0)))
    for figure, should, is_ in wanted:
        if not _same(should, is_):
            yield Mismatch(airline, month, figure, str(should), str(is_))


def _same(should: object, is_: object) -> bool:
    if is_ is None or not str(should)[0].isdigit():
        return bool(should == is_)
    return Decimal(str(should)) == Decimal(str(is_))
