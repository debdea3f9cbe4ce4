"""What a list's cursor names: a row's name, an instant, an event's place. That no part holds a NUL character is
seen to where a cursor is decoded."""

import re
from datetime import datetime
from typing import Any

from shared.http.paging import CursorInvalid, Page
from shared.values.instants import from_us, to_us

BATCH_ID_MAX, SEQ_MAX = 2**63 - 1, 2**31 - 1
#: An event's time, batch id and seq.
Place = tuple[datetime, int, int]


def parts_in(page: Page, *kinds: type[str] | type[int]) -> tuple[Any, ...] | None:
    """Return the cursor's parts, one of each kind, None on the first page; raise CursorInvalid for another
    list's cursor."""
    if page.after is None:
        return None
    if len(page.after) != len(kinds) or not all(map(isinstance, page.after, kinds)):
        raise CursorInvalid()
    return page.after


def name_in(page: Page, pattern: str = "") -> str | None:
    """Return the one name that the cursor holds, None on the first page; raise CursorInvalid for another
    list's cursor, and for a name that the whole pattern does not match."""
    found = parts_in(page, str)
    if found is None:
        return None
    name: str = found[0]
    if pattern and not re.fullmatch(pattern, name):
        raise CursorInvalid()
    return name


def instant_in(part: str | int) -> datetime:
    """Return the instant that a cursor's part names in µs since the epoch; raise CursorInvalid where there is
    none."""
    if not isinstance(part, int):
        raise CursorInvalid()
    try:
        return from_us(part)
    except OverflowError as fault:
        # Before year 1 or after year 9999.
        raise CursorInvalid() from fault


def event_place(page: Page) -> Place | None:
    """Return the event that the cursor names, None on the first page; raise CursorInvalid for another list's
    cursor."""
    found = parts_in(page, int, int, int)
    if found is None:
        return None
    time_us, batch_id, seq = found
    if abs(batch_id) > BATCH_ID_MAX or abs(seq) > SEQ_MAX:
        raise CursorInvalid()
    return instant_in(time_us), batch_id, seq


def place_key(place: Place) -> list[int]:
    """Return an event's place as the parts of a cursor, for `event_place` to read."""
    time, batch_id, seq = place
    return [to_us(time), batch_id, seq]
