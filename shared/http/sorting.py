"""What the lists of pages take beside a filter: `sort`, one of the keys they declare, and `count`.

    SORTS = {"external_id": SortKey(TEXT, attrgetter("external_id")), "created_at": SortKey(INSTANT, attrgetter("created_at"))}
    Asked = Annotated[Listing[Customer], listing(SORTS, "external_id", attrgetter("external_id"))]

The repository says which expression each key is (`Window.over`).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Generic, TypeVar

from fastapi import Query
from fastapi.params import Depends as Dependency

from shared.db.filters import COUNTED_MAX
from shared.db.listing import Order, Window
from shared.errors import refuses
from shared.http.cursors import instant_in
from shared.http.paging import CursorInvalid, Page, Paged
from shared.values.fields import AskedSubject, OneOf
from shared.values.instants import to_us

R = TypeVar("R")
INTEGER_MAX = 2**63 - 1

Counting = Annotated[
    bool, Query(description=f"Whether all rows of the list are counted, up to {COUNTED_MAX:,}")
]
Q = Annotated[
    AskedSubject | None, Query(description="Those whose id or name begins with this, whatever its case")
]


@dataclass(frozen=True, slots=True)
class Kind:
    """What a key is sorted by, as a cursor says it and as it is read from one; `read` raises CursorInvalid."""

    said: Callable[[Any], str | int]
    read: Callable[[str | int], object]


@dataclass(frozen=True, slots=True)
class SortKey(Generic[R]):
    """A key that a list is sorted by: of what kind, and what it is of a row."""

    kind: Kind
    of: Callable[[R], object]


@dataclass(frozen=True, slots=True)
class Listing(Generic[R]):
    """What a list was asked for: which page, sorted how, counted or not."""

    page: Page
    window: Window
    count: bool
    key: SortKey[R]
    identity: Callable[[R], str]

    def place(self, row: R) -> Sequence[str | int]:
        """The row's sort key, for `Listed.page`."""
        return [self.key.kind.said(self.key.of(row)), self.identity(row)]


def listing(keys: Mapping[str, SortKey[R]], default: str, identity: Callable[[R], str]) -> Dependency:
    """A route's dependency: what its list was asked for. Keys are sorted from the lowest on, `-key` from the highest."""
    names = OneOf([name for key in keys for name in (key, f"-{key}")])

    @refuses(CursorInvalid)
    def asked(
        page: Paged,
        sort: Annotated[
            str, names, Query(description="By what it is sorted; with `-` the highest first")
        ] = default,
        count: Counting = False,
    ) -> Listing[R]:
        order = Order(sort.removeprefix("-"), sort.startswith("-"))
        key = keys[order.key]
        after = None
        if page.after is not None:
            value, name = _two(page)
            after = (key.kind.read(value), name)
        return Listing(page, Window(order, after, page.limit + 1), count, key, identity)

    return Dependency(asked)


def _two(page: Page) -> tuple[str | int, str]:
    assert page.after is not None
    if len(page.after) != 2 or not isinstance(page.after[1], str):
        raise CursorInvalid()
    return page.after[0], page.after[1]


def _text(part: str | int) -> str:
    if not isinstance(part, str):
        raise CursorInvalid()
    return part


def _integer(part: str | int) -> int:
    if not isinstance(part, int) or abs(part) > INTEGER_MAX:
        raise CursorInvalid()
    return part


TEXT = Kind(str, _text)
#: Up to a bigint.
INTEGER = Kind(int, _integer)
INSTANT = Kind(to_us, instant_in)
