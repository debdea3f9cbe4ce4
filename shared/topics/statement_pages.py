"""How a long statement travels: cut into pages that any bus takes, and joined again when all pages of a
revision are there. Pure."""

from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from shared.topics.rating import AskedLine, Explanation, StatementLine, StatementMessage, StatementStep
from shared.topics.registry import MESSAGE_MAX_BYTES

#: Without segments and steps a line is at most two kilobytes.
LINES_A_PAGE: Final = 500
# of lines with their segments and steps: there are as many as groups and spans
PAGE_MAX_BYTES: Final = MESSAGE_MAX_BYTES // 8
_encode: Final = msgspec.json.Encoder(decimal_format="string").encode


def cut(statement: StatementMessage) -> list[StatementMessage]:
    """Return the statement whole, or in pages that each name their place. A line too large for one goes on in
    the next, segment by segment, and its explanation step by step."""
    lines = (*statement.lines, *statement.asked)
    if len(lines) <= LINES_A_PAGE:
        bare = not statement.explanation and not any(line.segments for line in lines)
        if bare or len(_encode(statement)) <= PAGE_MAX_BYTES:
            return [statement]
    pages = list(_pages(statement))
    if len(pages) <= 1:
        return [statement]
    explained = statement.explanation is not None
    return [
        msgspec.structs.replace(
            statement,
            lines=tuple([line for line in page.lines if not isinstance(line, AskedLine)]),
            asked=tuple([line for line in page.lines if isinstance(line, AskedLine)]),
            explanation={line_id: tuple(steps) for line_id, steps in page.steps.items()}
            if explained
            else None,
            page=number,
            pages=len(pages),
        )
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
    return msgspec.structs.replace(
        first,
        lines=tuple(lines.values()),
        asked=tuple([line for page in ordered for line in page.asked]),
        explanation=_joined_explanation(ordered),
        page=1,
        pages=1,
    )


def _joined_explanation(ordered: Iterable[StatementMessage]) -> Explanation | None:
    steps: dict[str, list[StatementStep]] = {}
    for page in ordered:
        if page.explanation is None:
            return None
        for line_id, some in page.explanation.items():
            steps.setdefault(line_id, []).extend(some)
    return {line_id: tuple(found) for line_id, found in steps.items()}


class _Page:
    """What is on a page so far."""

    def __init__(self) -> None:
        self.lines: list[StatementLine] = []
        self.steps: dict[str, list[StatementStep]] = {}
        self.size_bytes = 0

    def is_full(self, piece_bytes: int) -> bool:
        """Whether a piece of so many bytes goes on the next: one that is larger than any page has its own."""
        return self.size_bytes > 0 and (
            len(self.lines) == LINES_A_PAGE or self.size_bytes + piece_bytes > PAGE_MAX_BYTES
        )


def _pages(statement: StatementMessage) -> Iterator[_Page]:
    """The lines first, then the steps."""
    page = _Page()
    for piece in (piece for line in (*statement.lines, *statement.asked) for piece in _pieces(line)):
        piece_bytes = len(_encode(piece))
        if page.is_full(piece_bytes):
            yield page
            page = _Page()
        page.lines.append(piece)
        page.size_bytes += piece_bytes
    for line_id, steps in (statement.explanation or {}).items():
        for step in steps:
            # with the line's id and a comma, as if every step were its line's first
            step_bytes = len(_encode({line_id: (step,)}))
            if page.is_full(step_bytes):
                yield page
                page = _Page()
            page.steps.setdefault(line_id, []).append(step)
            page.size_bytes += step_bytes
    if page.size_bytes:
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
