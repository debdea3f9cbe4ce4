"""The list of what waits, as its template takes it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from services.console.domain.addresses import address, with_query
from services.console.domain.amounts import Amount
from services.console.domain.parts import (
    Cell,
    Column,
    Down,
    Empty,
    Field,
    Filters,
    Row,
    Table,
    hidden,
    key_of,
    pager_of,
)
from services.console.domain.times import Zones

SUSPENSE: Final = "/suspense"
Reason = Literal["no_customer", "no_meter", "no_contract"]
WORDS: Final[Mapping[Reason, str]] = {
    "no_customer": "no customer goes by this subject",
    "no_meter": "no meter counts this type",
    "no_contract": "the customer has no contract at that time",
}
HEADS: Final = (
    Column("Subject"),
    Column("Type"),
    Column("Month (UTC)"),
    Column("Why"),
    Column("Events", is_number=True),
    Column("At list price", is_number=True),
)
NOTHING: Final = Empty(
    "No usage waits. What comes for an unknown subject, an uncounted type or a customer without contract appears here.",
    "As soon as its customer, meter or contract is there it resolves by itself.",
)


@dataclass(frozen=True, slots=True)
class Suspended:
    """What is looked at: the usage of one owner, type and month. `customer` is "" where no customer goes by `subject`,
    which is "" where there is one."""

    customer: str
    subject: str
    type: str
    month: str

    @property
    def owner(self) -> str:
        return self.customer or self.subject

    @property
    def asked(self) -> dict[str, str]:
        """As an address says it."""
        return {"customer": self.customer, "subject": self.subject, "type": self.type, "month": self.month}

    def at(self, **more: str) -> str:
        """The address of its page, with more that is asked there."""
        return address("suspense", "of", **self.asked, **more)

    def csv(self, zones: Zones) -> str:
        """Where its events are as CSV."""
        return address("suspense", "of.csv", **self.asked, **zones.query)


@dataclass(frozen=True, slots=True)
class SuspensePage:
    """`down` where rating does not answer; the table is there otherwise."""

    title: str
    filters: Filters
    waiting: Table | None
    down: Down | None = None


def suspense_page(answer: Mapping[str, Any], subject: str, zones: Zones) -> SuspensePage:
    """`answer`: a page of `GET /v1/suspense` of rating, narrowed to `subject` where that is not ""."""
    rows = tuple(row_of(row, zones) for row in answer["data"])
    same = {"subject": subject, **zones.query}
    csv = with_query(f"{SUSPENSE}.csv", same)
    pager = pager_of(answer, with_query(SUSPENSE, same))
    table = Table("suspense", "Usage nobody is billed for", HEADS, rows, NOTHING, pager, csv)
    return SuspensePage("Suspense", filters(subject, zones), table)


def filters(subject: str, zones: Zones) -> Filters:
    field = Field("subject", "Subject", subject, hint="As the product sends it.")
    return Filters("narrow", SUSPENSE, (field, *hidden(zones.query)), with_query(SUSPENSE, zones.query))


def row_of(row: Mapping[str, Any], zones: Zones) -> Row:
    of = Suspended(row["customer"] or "", row["subject"] or "", row["type"], row["month"])
    return Row(
        key_of(of.customer, of.subject, of.type, of.month, row["reason"]),
        (
            Cell.of(of.owner),
            Cell.of(of.type),
            Cell(of.month),
            Cell(WORDS.get(row["reason"], row["reason"])),
            Cell.number(str(row["events"])),
            worth(row["value"]),
        ),
        of.at(**zones.query),
    )


def worth(value: Mapping[str, Any] | None) -> Cell:
    return Cell("no list price") if value is None else Cell.amount(Amount(value["currency"], value["amount"]))
