"""Where a page of a list in order of time begins: a cursor's parts as an instant, and as an event's place."""

from datetime import datetime

from shared.http.paging import CursorInvalid, Page
from shared.values.instants import from_us, to_us

BATCH_ID_MAX, SEQ_MAX = 2**63 - 1, 2**31 - 1
Place = tuple[datetime, int, int]  # an event's time, batch id and seq


def instant_in(part: str | int) -> datetime:
    """The instant a cursor's part names in µs since the epoch; raise CursorInvalid where there is none."""
    if not isinstance(part, int):
        raise CursorInvalid()
    try:
        return from_us(part)
    except OverflowError as fault:  # before year 1 or after year 9999
        raise CursorInvalid() from fault


def event_place(page: Page) -> Place | None:
    """The event a cursor names, None on the first page; raise CursorInvalid for another list's cursor."""
    match page.after:
        case None:
            return None
        case (int(time_us), int(batch_id), int(seq)) if abs(batch_id) <= BATCH_ID_MAX and abs(seq) <= SEQ_MAX:
            return instant_in(time_us), batch_id, seq
        case _:
            raise CursorInvalid()


def place_key(place: Place) -> list[int]:
    """An event's place as the parts of a cursor, for `event_place` to read."""
    time, batch_id, seq = place
    return [to_us(time), batch_id, seq]
