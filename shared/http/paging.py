"""Cursor pagination: `?limit=&cursor=`, stable under inserts because a cursor names the last row, not a
count."""

import base64
from typing import Annotated

import msgspec
from fastapi import Depends, Query

from shared.errors import AppError, refuses
from shared.http.page import Page as Page
from shared.values.names import unstorable

LIMIT_MAX = 200
#: Two names of 1020 bytes and what stands beside them, in base64.
CURSOR_CHARACTERS_MAX = 4000


class CursorInvalid(AppError):
    """This cursor was not made by this API; start again without one."""


@refuses(CursorInvalid)
def _page(
    limit: Annotated[int, Query(ge=1, le=LIMIT_MAX, description="Rows a page")] = 50,
    cursor: Annotated[
        str | None, Query(max_length=CURSOR_CHARACTERS_MAX, description="`next_cursor` of the page before")
    ] = None,
) -> Page:
    if not cursor:
        return Page(limit, None)
    try:
        after = msgspec.json.decode(base64.urlsafe_b64decode(cursor.encode()), type=list[str | int])
    except (ValueError, msgspec.MsgspecError) as fault:
        raise CursorInvalid() from fault
    if not after or any(isinstance(part, str) and unstorable(part) for part in after):
        raise CursorInvalid()
    return Page(limit, tuple(after))


Paged = Annotated[Page, Depends(_page)]
