"""What answers of several services have in common. All of it is of the API's own types: a day is one, a number is written in
full."""

from datetime import date, datetime
from typing import Annotated, Generic, TypeVar

from msgspec import Meta, Struct

from services.console.domain.formats import Number

T = TypeVar("T")
Day = date
Instant = Annotated[datetime, Meta(tz=True)]


class Worth(Struct, frozen=True):
    currency: str
    amount: Number


class Listed(Struct, Generic[T], frozen=True):
    """A page of a list."""

    data: list[T]
    has_more: bool
    next_cursor: str | None


class Period(Struct, frozen=True):
    start: Day
    end: Day


class ListedException(Struct, frozen=True):
    id: str
    kind: str
    reference: str
    detail: str
    owner: str
    opened_at: Instant
    deadline_at: Instant
    price: Worth | None
    resolved_at: Instant | None
    resolves: str
    assignee: str | None = None


class ExceptionAct(Struct, frozen=True):
    at: Instant
    by: str
    act: str
    assignee: str | None
    note: str | None


class ExceptionWithActs(ListedException, frozen=True, kw_only=True):
    acts: list[ExceptionAct]


class ExceptionCount(Struct, frozen=True):
    kind: str
    owner: str
    open: int
    overdue: int
    oldest_at: Instant
    deadline_at: Instant
    price: list[Worth]


class ExceptionSummary(Struct, frozen=True):
    counts: list[ExceptionCount]


#: Of each service.
EXCEPTIONS = {
    ("GET", "/v1/exceptions"): Listed[ListedException],
    ("GET", "/v1/exceptions/{}"): ExceptionWithActs,
    ("GET", "/v1/exceptions/summary"): ExceptionSummary,
}
