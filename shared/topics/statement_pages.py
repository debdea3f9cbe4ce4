"""How a long statement travels: cut into pages that any bus takes, and joined again when all pages of a
revision are there. Pure."""

from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from shared.topics.rating import StatementLine, StatementMessage
from shared.topics.registry import MESSAGE_MAX_BYTES

#: Without segments a line is at most two kilobytes.
LINES_A_PAGE: Final = 500
# of lines with their segments: there are as many as groups and spans
PAGE_MAX_BYTES: Final = MESSAGE_MAX_BYTES // 8
_encode: Final = msgspec.json.Encoder(decimal_format="string").encode


def cut(statement: StatementMessage) -> list[StatementMessage]:
    """Return the statement whole, or in pages that each name their place. A line too large for one goes on in
    the next, segment by segment."""
    lines = statement.lines
    if len(lines) <= LINES_A_PAGE and not any(line.segments for line in lines):
        return [statement]
    pages = list(_pages(lines))
    if len(pages) <= 1:
        return [statement]
    return [
        msgspec.structs.replace(statement, lines=tuple(page), page=number, pages=len(pages))
        for number, page in enumerate(pages, start=1)
    ]


def joined(pages: Iterable[StatementMessage]) -> StatementMessage:
    """Return the whole statement of a full set of pages of one revision, lines in page order."""
    ordered = sorted(pages, key=lambda page: page.page)
    first = ordered[0]
    assert [page.page for page in ordered] == list(range(1, first.pages + 1)), "every page once"
    assert len({(page.statement_id, page.revision) for page in ordered}) == 1, "pages of one revision"
    lines: dict[str, StatementLine] = {}
    for line in (line for page in ordered for line in page.lines):
        before = lines.get(line.line_id)
        lines[line.line_id] = (
            line
            if before is None
            else msgspec.structs.replace(before, segments=(*before.segments, *line.segments))
        )
    return msgspec.structs.replace(first, lines=tuple(lines.values()), page=1, pages=1)


def _pages(lines: Iterable[StatementLine]) -> Iterator[list[StatementLine]]:
    page: list[StatementLine] = []
    size_bytes = 0
    for piece in (piece for line in lines for piece in _pieces(line)):
        piece_bytes = len(_encode(piece))
        if page and (len(page) == LINES_A_PAGE or size_bytes + piece_bytes > PAGE_MAX_BYTES):
            yield page
            page, size_bytes = [], 0
        page.append(piece)
        size_bytes += piece_bytes
    if page:
        yield page


def _pieces(line: StatementLine) -> Iterator[StatementLine]:
    """The line itself, or the line again and again with as many of its segments as a page takes."""
    bare_bytes = size_bytes = len(_encode(msgspec.structs.replace(line, segments=())))
    start = 0
    for at, segment in enumerate(line.segments):
        segment_bytes = len(_encode(segment)) + 1
        if at > start and size_bytes + segment_bytes > PAGE_MAX_BYTES:
            yield msgspec.structs.replace(line, segments=line.segments[start:at])
            start, size_bytes = at, bare_bytes
        size_bytes += segment_bytes
    yield line if start == 0 else msgspec.structs.replace(line, segments=line.segments[start:])
