"""What a page of a list is, apart from how it is asked for: a command that only shows an answer does without
FastAPI, which would cost it half a second at its start."""

import base64
from collections.abc import Sequence
from typing import Any

import msgspec


class Page(msgspec.Struct, frozen=True):
    """What a list was asked for: at most `limit` rows after the row whose sort key is `after`; `of`: which list, in
    which order and how narrowed, as the cursors of its pages say it."""

    limit: int
    after: tuple[Any, ...] | None
    of: str
    handed: list[Any] | None = None
    """Of a download: where its rows go as they are. Its answer has none."""


class Cells(dict[str, Any]):
    """A row of a download as its cells, by the names of their columns: texts, numbers and instants, what is JSON as its text.
    What it does not name is empty."""


def cursor_after(key: Sequence[str | int], of: str) -> str:
    """What a page is asked for by: what it is a page of, and the sort key of the last row before it."""
    return base64.urlsafe_b64encode(msgspec.json.encode([of, *key])).decode()
