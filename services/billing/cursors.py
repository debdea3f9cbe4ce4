"""The cursor of lists that are newest first: the id of the last row shown. Ids sort by time, so new rows move
no page."""

from shared.http.paging import CursorInvalid, Page


def before_id(page: Page) -> str | None:
    """Return the id the page begins before, None for the first page; raise CursorInvalid for another list's
    cursor."""
    if page.after is None:
        return None
    if len(page.after) != 1 or not isinstance(page.after[0], str) or "\0" in page.after[0]:
        raise CursorInvalid()
    return page.after[0]
