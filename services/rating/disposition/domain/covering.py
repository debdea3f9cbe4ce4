"""A contract with a period over an event's time, as far as the event's disposition depends on it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import msgspec


class Holding(msgspec.Struct, frozen=True):
    """The exception that holds an open period."""

    id: str
    kind: str
    detail: str
    owner: str


class UsageLine(msgspec.Struct, frozen=True):
    """A line of the statement that charges usage."""

    line_id: str
    key: str
    meter: str


@dataclass(frozen=True, slots=True)
class Covering:
    """The period, the version in force, the meters of its usage lines, and the statement's lines of them.

    `left`: the contract is another's than the customer's, who had the subject when a final statement over the
    event was cut. `counted_by`: meter → the version a final statement counted by, or, where it names none,
    the newest there was. `late` and `void_late`: the period is final, and the event or its void came after
    the cut; `waived` and `void_waived`: it was decided that nobody is billed for it, or that the statement stays.
    `exception`: what holds an open one.
    `takes`: which meters of its lines take the event. `statement`: its id; None before the period is priced.
    """

    contract: str
    start_date: date
    end_date: date
    final: bool
    version: int
    left: bool
    customer_id: str
    external_id: str
    counted_by: Mapping[str, int]
    late: bool
    void_late: bool
    exception: Holding | None
    meters: tuple[str, ...]
    lines: tuple[UsageLine, ...]
    waived: bool = False
    void_waived: bool = False
    takes: tuple[str, ...] = ()
    statement: str | None = None
