"""Cursor pagination: `?limit=&cursor=`, stable under inserts because a cursor names the last row, not a
count, and of the list it was made for: its order and filter are as they were.
"""

import base64
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Annotated, Any, Final
from urllib.parse import parse_qsl

import msgspec
from fastapi import Depends, Query, Request

from shared.errors import AppError, refuses
from shared.http.page import Page as Page
from shared.values.names import unstorable

LIMIT_MAX = 200
#: Of a request's scope: the `Download` that asks for a page.
DOWNLOAD: Final = "u2c_download"
DOWNLOADED_AT_ONCE: Final = 500
#: What of a query does not say which rows are listed, in which order.
BESIDE_THE_LIST: Final = frozenset({"limit", "cursor", "count"})
OF_BYTES = 9
#: Two names of 1020 bytes and what stands beside them, in base64.
CURSOR_CHARACTERS_MAX = 4000


@dataclass(frozen=True, slots=True)
class Download:
    """A page of a list that is downloaded: the one that `cursor` names, "" for the first; its rows go to `rows`."""

    cursor: str
    rows: list[Any] = field(default_factory=list)


class CursorInvalid(AppError):
    """This cursor was not made by this API for this list, order and filter; start again without one."""


@refuses(CursorInvalid)
def _page(
    request: Request,
    limit: Annotated[int, Query(ge=1, le=LIMIT_MAX, description="Rows a page")] = 50,
    cursor: Annotated[
        str | None, Query(max_length=CURSOR_CHARACTERS_MAX, description="`next_cursor` of the page before")
    ] = None,
) -> Page:
    of = list_of(request)
    download: Download | None = request.scope.get(DOWNLOAD)
    handed = None
    if download is not None:
        limit, cursor, handed = DOWNLOADED_AT_ONCE, download.cursor, download.rows
    if not cursor:
        return Page(limit, None, of, handed)
    try:
        made_for, *after = msgspec.json.decode(
            base64.urlsafe_b64decode(cursor.encode()), type=list[str | int]
        )
    except (ValueError, msgspec.MsgspecError) as fault:
        raise CursorInvalid() from fault
    if made_for != of or not after or any(isinstance(part, str) and unstorable(part) for part in after):
        raise CursorInvalid()
    return Page(limit, tuple(after), of, handed)


def list_of(request: Request) -> str:
    """Which list a request is about, in which order and how narrowed, in a few letters: the same for all its pages."""
    asked = parse_qsl(request.scope["query_string"].decode("latin-1"), keep_blank_values=True)
    said = sorted(one for one in asked if one[0] not in BESIDE_THE_LIST)
    hashed = blake2b(msgspec.json.encode([request.url.path, said]), digest_size=OF_BYTES)
    return base64.urlsafe_b64encode(hashed.digest()).decode()


Paged = Annotated[Page, Depends(_page)]
