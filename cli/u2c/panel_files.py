"""Panels as files: CSV, `customer,day,events` and, where outcomes are known, `outcome`. Read row by row; of a row only
day, count and line are kept, so that millions fit in memory."""

import csv
import gzip
import io
import zlib
from array import array
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import TextIO, get_args

from services.signals.domain.outcomes import LOST
from services.signals.domain.outcomes import Outcome as OutcomeWord
from services.signals.domain.panel.counts import Counts
from services.signals.domain.panel.panel import Panel, RecordedOutcome
from u2c.event_files import UnreadableFile

COLUMNS, OUTCOME = ("customer", "day", "events"), "outcome"
OUTCOMES: Sequence[str] = get_args(OutcomeWord)
SHAPE = "a panel has the columns customer,day,events (and, where it is known, outcome), one row a customer and day"
LINE_MAX, NAME_MAX, DIGITS_MAX = 4_096, 255, 12
#: What this machine's memory is asked for stays below a few hundred MB.
ROWS_MAX, CUSTOMERS_MAX = 5_000_000, 200_000
OLDEST = date(1970, 1, 1)
GZIP = b"\x1f\x8b"


@dataclass(slots=True)
class _Rows:
    """A customer's rows as they come."""

    days: "array[int]" = field(default_factory=lambda: array("i"))
    events: "array[int]" = field(default_factory=lambda: array("q"))
    lines: "array[int]" = field(default_factory=lambda: array("i"))


@dataclass(slots=True)
class _Found:
    """What was read so far."""

    customers: dict[str, _Rows] = field(default_factory=dict)
    outcomes: dict[str, list[RecordedOutcome]] = field(default_factory=dict)
    rows: int = 0


def read_panel(path: Path, today: date) -> Panel:
    """Raises UnreadableFile for what is no panel; it names the line and the remedy."""
    with _opened(path) as handle:
        found = _read(_rows(handle, path), _Row(path, today))
    if not found.customers:
        raise UnreadableFile(f"{path} has a header and no rows; {SHAPE}")
    days = [day for rows in found.customers.values() for day in (min(rows.days), max(rows.days))]
    return Panel(
        path.name,
        {customer: _counts(path, customer, rows) for customer, rows in found.customers.items()},
        date.fromordinal(min(days)),
        date.fromordinal(max(days) + 1),
        found.outcomes,
    )


@contextmanager
def _opened(path: Path) -> Iterator[TextIO]:
    """Its text, unpacked where it is gzip. What goes wrong while it is read is told in its name."""
    try:
        with open(path, "rb") as raw:
            packed = raw.peek(2)[:2] == GZIP
            with io.TextIOWrapper(gzip.open(raw) if packed else raw, "utf-8-sig", newline="") as text:
                yield text
    except UnicodeDecodeError as fault:
        raise UnreadableFile(f"{path} is no text in UTF-8 ({fault.reason}); {SHAPE}") from fault
    except (EOFError, zlib.error, gzip.BadGzipFile) as fault:
        raise UnreadableFile(f"{path} is gzip that is damaged or cut off; pack it again") from fault
    except OSError as fault:
        raise UnreadableFile(f"{path}: {fault.strerror}; name a file that can be read") from fault


def _lines(handle: TextIO, path: Path) -> Iterator[str]:
    """Never more than one line in memory, whatever the file is."""
    number = 0
    while line := handle.readline(LINE_MAX):
        number += 1
        if len(line) == LINE_MAX:
            raise UnreadableFile(f"{path}, line {number} is longer than {LINE_MAX} characters; {SHAPE}")
        if "\0" in line:
            raise UnreadableFile(f"{path}, line {number} holds bytes that are no text; {SHAPE}")
        yield line


def _rows(handle: TextIO, path: Path) -> Iterator[tuple[int, list[str]]]:
    """Each row with its line."""
    reader = csv.reader(_lines(handle, path), strict=True)
    try:
        for cells in reader:
            yield reader.line_num, cells
    except csv.Error as fault:
        raise UnreadableFile(f"{path}, line {reader.line_num}: {fault}; {SHAPE}") from fault


def _read(rows: Iterator[tuple[int, list[str]]], row: "_Row") -> _Found:
    found, places = _Found(), row.places(next(rows, None))
    days: dict[str, int] = {}
    for row.line, cells in rows:
        if not cells:
            continue
        customer, day, events, outcome = row.cells(cells, places)
        if (ordinal := days.get(day)) is None:
            ordinal = days[day] = row.day(day)
        if (kept := found.customers.get(customer)) is None:
            kept = found.customers[row.name(customer, len(found.customers))] = _Rows()
        kept.days.append(ordinal)
        kept.events.append(row.count(events))
        kept.lines.append(row.line)
        found.rows = row.room_after(found.rows)
        if outcome:
            recorded = RecordedOutcome(date.fromordinal(ordinal), row.outcome(outcome))
            found.outcomes.setdefault(customer, []).append(recorded)
    return found


@dataclass(slots=True)
class _Row:
    """Reads the cells of the row at `line`, and says what is wrong with them."""

    path: Path
    today: date
    line: int = 1

    def wrong(self, what: str) -> UnreadableFile:
        return UnreadableFile(f"{self.path}, line {self.line}: {what}")

    def places(self, first: tuple[int, list[str]] | None) -> list[int]:
        """Where the columns stand, in any order, by the first row."""
        if first is None:
            raise UnreadableFile(f"{self.path} is empty; {SHAPE}")
        names = [name.strip() for name in first[1]]
        wanted = [*COLUMNS, OUTCOME] if OUTCOME in names else [*COLUMNS]
        if sorted(names) != sorted(wanted):
            raise self.wrong(f"the header is {','.join(names)[:100]!r}; {SHAPE}")
        return [names.index(name) for name in wanted]

    def cells(self, cells: list[str], places: list[int]) -> tuple[str, str, str, str]:
        if len(cells) != len(places):
            raise self.wrong(f"the row has {len(cells)} cells where the header has {len(places)}")
        customer, day, events, *outcome = (cells[place].strip() for place in places)
        return customer, day, events, outcome[0] if outcome else ""

    def name(self, customer: str, known: int) -> str:
        if not customer or len(customer) > NAME_MAX:
            raise self.wrong(f"a customer has a name of 1 to {NAME_MAX} characters")
        if known >= CUSTOMERS_MAX:
            raise self.wrong(f"a panel has at most {CUSTOMERS_MAX:,} customers; judge a sample of them")
        return customer

    def day(self, text: str) -> int:
        try:
            found = date.fromisoformat(text)
        except ValueError:
            found = None
        if found is None or found.isoformat() != text:
            raise self.wrong(f"{text[:40]!r} is no day; write it as 2024-03-31")
        if found > self.today:
            raise self.wrong(
                f"{text} is in the future (today is {self.today}); a panel holds days that have been, leave it out"
            )
        if found < OLDEST:
            raise self.wrong(f"{text} is before {OLDEST}; correct the year")
        return found.toordinal()

    def count(self, text: str) -> int:
        if text.isascii() and text.isdigit() and len(text) <= DIGITS_MAX:
            return int(text)
        if text.startswith("-"):
            raise self.wrong(
                f"{text[:40]} events are fewer than none; a count is 0 or more, net what was voided"
            )
        raise self.wrong(
            f"{text[:40]!r} is no count of events; write a whole number of at most {DIGITS_MAX} digits"
        )

    def outcome(self, text: str) -> bool:
        """Whether it is a loss."""
        if text not in OUTCOMES:
            raise self.wrong(f"{text[:40]!r} is no outcome; one is {', '.join(OUTCOMES)}, or nothing")
        return text in LOST

    def room_after(self, rows: int) -> int:
        if rows >= ROWS_MAX:
            raise self.wrong(f"a panel has at most {ROWS_MAX:,} rows; judge a sample of the customers")
        return rows + 1


def _counts(path: Path, customer: str, rows: _Rows) -> Counts:
    """Refuses a day that stands there twice."""
    order = sorted(range(len(rows.days)), key=rows.days.__getitem__)
    twice = [
        (rows.lines[one], rows.lines[other])
        for one, other in pairwise(order)
        if rows.days[one] == rows.days[other]
    ]
    if twice:
        first, second = min(twice, key=lambda lines: lines[1])
        day = date.fromordinal(rows.days[rows.lines.index(second)])
        raise UnreadableFile(
            f"{path}, line {second}: {customer} has a row for {day} already, in line {first}; add the two up, or leave "
            "one out"
        )
    return Counts((date.fromordinal(rows.days[at]), rows.events[at]) for at in order)
