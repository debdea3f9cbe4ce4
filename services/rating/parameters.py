"""What several of rating's lists are asked for."""

import re
from datetime import datetime

from shared.http.cursors import instant_in, parts_in
from shared.http.paging import CursorInvalid, Page
from shared.values.names import KEY


def period_place(page: Page) -> tuple[str, datetime] | None:
    """The (contract, period start) that a cursor names, None on the first page; raises CursorInvalid."""
    found = parts_in(page, str, int)
    if found is None:
        return None
    contract, start_us = found
    if not re.fullmatch(KEY, contract):
        raise CursorInvalid()
    return contract, instant_in(start_us)
