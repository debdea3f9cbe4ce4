"""The independently computed figures, and the comparison with what the system says."""

import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from lab.departures.year import EXAMPLES

MONTHS = tuple(f"2013-{month:02}" for month in range(1, 13))


class ExpectedDocument(msgspec.Struct, frozen=True):
    """A document that the year must bring. `quantity` is that of its first line of usage, or of its only one."""

    kind: str
    airline: str
    month: str  # the first of the period it is for
    total: Decimal
    currency: str
    quantity: Decimal

    @property
    def name(self) -> tuple[str, str, str]:
        return self.kind, self.airline, self.month


class ExpectedFlights(msgspec.Struct, frozen=True):
    """What an airline flew in a month."""

    airline: str
    month: str
    departures: int
    cancelled: int


class Expected(msgspec.Struct, frozen=True):
    documents: tuple[ExpectedDocument, ...]
    flights: tuple[ExpectedFlights, ...]


@dataclass(frozen=True, slots=True)
class Mismatch:
    """One figure that differs."""

    kind: str
    airline: str
    month: str
    figure: str
    expected: str
    got: str

    def __str__(self) -> str:
        return f"MISMATCH {self.kind} {self.airline} {self.month} expected {self.expected} got {self.got} ({self.figure})"


def expected_figures(folder: Path = EXAMPLES) -> Expected:
    """What `expected.py` works out, in a process of its own: it shares nothing with what it is compared with."""
    done = subprocess.run(
        [sys.executable, "-I", str(folder / "expected.py")], capture_output=True, check=True
    )
    return msgspec.json.decode(done.stdout, type=Expected, strict=False)


def compare(
    expected: Expected,
    documents: Iterable[dict[str, Any]],
    dispositions: Mapping[tuple[str, str], Mapping[str, int]],
) -> list[Mismatch]:
    """Compare documents by (kind, airline, month), and flown and voided departures by (airline, month), both ways."""
    issued: dict[tuple[str, str, str], list[dict[str, Any]]] = {}
    for document in documents:
        name = document["kind"], document["customer"], document["period"]["start"][:7]
        issued.setdefault(name, []).append(document)
    found = [
        mismatch
        for wanted in expected.documents
        for mismatch in _document(wanted, issued.pop(wanted.name, []))
    ]
    found += [Mismatch(*name, "documents", "none", str(len(more))) for name, more in issued.items()]
    return found + [mismatch for flown in expected.flights for mismatch in _flights(flown, dispositions)]


def _document(wanted: ExpectedDocument, found: list[dict[str, Any]]) -> Iterator[Mismatch]:
    if len(found) != 1:
        yield Mismatch(*wanted.name, "documents", "1", str(len(found)))
        return
    (document,) = found
    lines = document["lines"]
    counted = next((line["quantity"] for line in lines if line["kind"] == "usage"), lines[0]["quantity"])
    for figure, should, is_ in (
        ("total", wanted.total, Decimal(document["total"])),
        ("currency", wanted.currency, document["currency"]),
        ("quantity", wanted.quantity, Decimal(counted)),
    ):
        if should != is_:
            yield Mismatch(*wanted.name, figure, str(should), str(is_))


def _flights(
    flown: ExpectedFlights, dispositions: Mapping[tuple[str, str], Mapping[str, int]]
) -> Iterator[Mismatch]:
    counts = dispositions.get((flown.airline, flown.month), {})
    for figure, should in (("applied", flown.departures), ("voided", flown.cancelled)):
        is_ = counts.get(figure, 0)
        if should != is_:
            yield Mismatch("flights", flown.airline, flown.month, figure, str(should), str(is_))
